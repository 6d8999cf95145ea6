package org.jkvm.devices.pci;

import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.Bits;
import org.jkvm.base.IoHandler;
import org.jkvm.base.Line;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateIo;
import org.jkvm.devices.Device;

/**
 * A PCI function with a type 0 header (PCI 3.0, section 6.1). A chip extends it, declares its base address registers,
 * capabilities and device-specific registers in its constructor, and drives its interrupt pin; the
 * {@link PciBus} answers configuration cycles with it and maps its windows.
 */
public abstract class PciFunction implements Device {
    private static final int COMMAND_IO = 0;
    private static final int COMMAND_MEMORY = 1;
    private static final int COMMAND_MASTER = 2;
    private static final int COMMAND_INTX_DISABLE = 10;
    private static final int STATUS_INTERRUPT = 3;
    private static final int STATUS_CAPABILITIES = 4;
    private static final int MULTI_FUNCTION = 0x80;
    private static final int FIRST_CAPABILITY = 0x40;
    private static final int CONFIG_SIZE = 256;

    private final String name;
    private final RegisterFile config;
    private final List<Bar> bars = new ArrayList<>();
    private final Register command;
    private final Register status;
    private final Register headerType;
    private final Register capabilities;
    private final Register interruptLine;
    private final int interruptPin;
    private Register lastCapabilityLink;
    private int freeOffset = FIRST_CAPABILITY;
    private transient PciBus bus;
    private Line pin = Line.UNCONNECTED;

    /**
     * Declares the header.
     *
     * @param interruptPin the pin that the function drives: 1 is INTA#, 4 is INTD#, 0 is none
     */
    protected PciFunction(String name, PciIdentity id, int interruptPin) {
        this.name = name;
        this.interruptPin = interruptPin;
        config = new RegisterFile(name).undeclaredReadsAs(0).summary("configuration space").source("PCI 3.0, section 6.1");
        config.register("Vendor ID", 0x00, 16).reset(id.vendor()).readOnly();
        config.register("Device ID", 0x02, 16).reset(id.device()).readOnly();
        command = declareCommand();
        status = declareStatus();
        config.register("Revision ID", 0x08, 8).reset(id.revision()).readOnly();
        config.register("Interface", 0x09, 8).reset(id.classCode() & 0xff).readOnly();
        config.register("Class", 0x0a, 16).reset(id.classCode() >> 8).readOnly();
        config.register("Cache Line Size", 0x0c, 8).summary("no effect here");
        config.register("Latency Timer", 0x0d, 8).summary("no effect here");
        headerType = config.register("Header Type", 0x0e, 8).readOnly().bit("Multi-Function", 7, "has several functions");
        config.register("BIST", 0x0f, 8).readOnly().summary("no self test");
        config.register("Subsystem Vendor ID", 0x2c, 16).reset(id.subsystemVendor()).readOnly();
        config.register("Subsystem ID", 0x2e, 16).reset(id.subsystem()).readOnly();
        config.register("Expansion ROM", 0x30, 32).readOnly().summary("none");
        capabilities = config.register("Capabilities Pointer", 0x34, 8).readOnly();
        interruptLine = config.register("Interrupt Line", 0x3c, 8).summary("scratch for firmware and system");
        config.register("Interrupt Pin", 0x3d, 8).reset(interruptPin).readOnly();
        config.register("Min_Gnt", 0x3e, 8).readOnly();
        config.register("Max_Lat", 0x3f, 8).readOnly();
    }

    private Register declareCommand() {
        return config.register("Command", 0x04, 16).writable(0x547).onWrite(written -> commandChanged())
                .bit("I/O Space", COMMAND_IO, "answers I/O cycles")
                .bit("Memory Space", COMMAND_MEMORY, "answers memory cycles")
                .bit("Bus Master", COMMAND_MASTER, "may read and write memory")
                .unmodelled("Parity Error Response", 6, 6, "parity errors")
                .unmodelled("SERR# Enable", 8, 8, "system errors")
                .bit("Interrupt Disable", COMMAND_INTX_DISABLE, "INTx# stays idle");
    }

    private Register declareStatus() {
        return config.register("Status", 0x06, 16).readOnly().clearedByOne(0xf900)
                .bit("Interrupt Status", STATUS_INTERRUPT, "the function wants service")
                .bit("Capabilities List", STATUS_CAPABILITIES, "34h points to capabilities");
    }

    @Override
    public final String name() {
        return name;
    }

    /** The configuration space: what a configuration cycle reads and writes. */
    public final RegisterFile config() {
        return config;
    }

    /** Its base address registers, by index. */
    public final List<Bar> bars() {
        return List.copyOf(bars);
    }

    /** The interrupt pin it drives: 1 is INTA#, 4 is INTD#, 0 is none. */
    public final int interruptPin() {
        return interruptPin;
    }

    /** What the Interrupt Line register holds: for {@code info pci}. */
    public final int interruptLine() {
        return (int) interruptLine.get();
    }

    /** Whether the system lets the function read and write memory (PCI 3.0, section 6.2.2, bit 2). */
    public final boolean busMaster() {
        return command.isSet(COMMAND_MASTER);
    }

    @Override
    public List<RegisterFile> registerFiles() {
        return List.of(config);
    }

    @Override
    public void reset() {
        config.reset();
        drivePin();
        mappingChanged();
    }

    @Override
    public void exchangeState(StateIo io) {
        io.part("config", config);
        if (io.restoring()) {
            mappingChanged();
        }
    }

    /** Declares base address register {@code index} as {@code size} bytes (a power of two, 16 or more). */
    protected final Bar bar(int index, Bar.Kind kind, long size, IoHandler handler) {
        Bar bar = new Bar(this, index, kind, size, handler);
        bars.add(bar);
        return bar;
    }

    /**
     * Adds a capability of {@code length} bytes to the list (PCI 3.0, section 6.7) and declares its first two bytes.
     *
     * @return its offset in configuration space
     */
    protected final int capability(String label, int id, int length) {
        int offset = (int) Bits.alignUp(freeOffset, 4);
        if (offset + length > CONFIG_SIZE) {
            throw new IllegalStateException(name + ": no room for capability " + label);
        }
        freeOffset = offset + length;
        config.register(label + " ID", offset, 8).reset(id).readOnly();
        Register link = config.register(label + " Next", offset + 1, 8).readOnly();
        (lastCapabilityLink == null ? capabilities : lastCapabilityLink).reset(offset);
        lastCapabilityLink = link;
        status.reset(1 << STATUS_CAPABILITIES);
        return offset;
    }

    /** Asks for service, or no longer: sets the status bit, and the pin unless Interrupt Disable is set. */
    protected final void setInterrupt(boolean wanted) {
        status.setBit(STATUS_INTERRUPT, wanted);
        drivePin();
    }

    /** Called after a write to the Command register. */
    protected void commandChanged() {
        drivePin();
        mappingChanged();
    }

    final void plug(PciBus newBus, Line newPin) {
        if (bus != null) {
            throw new IllegalStateException(name + " is on a bus already");
        }
        bus = newBus;
        pin = newPin;
    }

    /** Reset, it has no windows and drives no pin: it can be taken out. */
    final void unplug() {
        bus = null;
        pin = Line.UNCONNECTED;
    }

    final void markMultiFunction() {
        headerType.reset(MULTI_FUNCTION);
    }

    final PciBus bus() {
        return bus;
    }

    final boolean decodes(Bar.Kind kind) {
        return command.isSet(kind == Bar.Kind.IO ? COMMAND_IO : COMMAND_MEMORY);
    }

    /** A register that says where windows are has changed. */
    protected final void mappingChanged() {
        if (bus != null) {
            bus.updateMappings();
        }
    }

    /** Takes back windows that are no longer where the registers say. A chip with fixed windows of its own extends this. */
    protected void withdrawWindows() {
        bars.forEach(Bar::withdraw);
    }

    /** Maps windows where the registers say, as far as addresses are free. */
    protected void claimWindows() {
        bars.forEach(Bar::claim);
    }

    private void drivePin() {
        pin.set(status.isSet(STATUS_INTERRUPT) && !command.isSet(COMMAND_INTX_DISABLE));
    }
}
