package org.jkvm.machine.pc;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.IoHandler;
import org.jkvm.base.Line;
import org.jkvm.base.UserException;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;
import org.jkvm.base.time.SystemClock;
import org.jkvm.devices.acpi.AcpiPciHotplug;
import org.jkvm.devices.acpi.Piix4Pm;
import org.jkvm.devices.debug.DebugPort;
import org.jkvm.devices.debug.IsaDebugExit;
import org.jkvm.devices.debug.PcTestdev;
import org.jkvm.devices.dma.DmaPages;
import org.jkvm.devices.dma.I8237;
import org.jkvm.devices.fwcfg.FwCfg;
import org.jkvm.devices.i8042.I8042;
import org.jkvm.devices.i8042.Port92;
import org.jkvm.devices.pci.ConfigMechanism1;
import org.jkvm.devices.pci.I440fx;
import org.jkvm.devices.pci.PciBus;
import org.jkvm.devices.pci.Piix3;
import org.jkvm.devices.pci.Piix4PmFunction;
import org.jkvm.devices.rtc.Mc146818;
import org.jkvm.devices.serial.Uart16550;
import org.jkvm.devices.virtio.VirtioPci;
import org.jkvm.devices.virtio.blk.VirtioBlk;
import org.jkvm.hypervisor.Hypervisor;
import org.jkvm.hypervisor.InterruptChip;
import org.jkvm.hypervisor.MemorySlot;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86Vcpu;
import org.jkvm.linux.SharedMemory;
import org.jkvm.machine.acpi.PcDescription.SerialPort;
import org.jkvm.machine.loader.BootEntry;
import org.jkvm.machine.memory.RamLayout;
import org.jkvm.machine.run.Board;
import org.jkvm.machine.run.Bus;
import org.jkvm.machine.run.Cause;
import org.jkvm.machine.run.Machine;
import org.jkvm.machine.run.MachineEvent;
import org.jkvm.machine.run.RunState;

/**
 * A PC with Intel's 440FX chip set: PIIX3 for ISA, power management of a PIIX4. The constructor is the parts list. The
 * interrupt controllers and the timer belong to the hypervisor. A20 is always on: no firmware runs here that would miss it.
 */
public final class Pc implements Board, Stateful, AutoCloseable {
    /** Where the PIIX4's power management registers are. */
    static final int PM_BASE = 0x600;
    /** Port B2h: SMI_CMD. */
    static final int APM_PORT = 0xb2;
    /** The system control interrupt. */
    static final int SCI_IRQ = 9;
    /** ISA interrupts that PCI interrupts may be routed to. */
    static final List<Integer> PCI_IRQS = List.of(5, 10, 11);
    /** The slot of the PIIX3. */
    static final int ISA_BRIDGE_SLOT = 1;
    /** fw_cfg's selector. */
    static final int FW_CFG_PORT = 0x510;
    /** The places of COM1 to COM4. */
    static final List<SerialPort> SERIAL_PORTS =
            List.of(new SerialPort(0x3f8, 4), new SerialPort(0x2f8, 3), new SerialPort(0x3e8, 4), new SerialPort(0x2e8, 3));

    private static final int IA32_TIME_STAMP_COUNTER = 0x10;
    /** Of no effect before the data port is used. */
    private static final int RTC_INDEX_PORT = 0x70;
    /** Where firmware shows how far it is, and kernels write to gain time. */
    private static final int POST_PORT = 0x80;
    private static final int UART_PORTS = 8;
    private static final int TEST_IRQ_PORTS = 0x2000;
    private static final int TEST_GSIS = 24;
    private static final long TEST_MMIO = 0xff00_0000L;

    private final PcConfig config;
    private final RamLayout layout;
    private final Resources resources = new Resources();
    private final Bus bus = new Bus(bug -> deviceFailed("back end", bug));
    private final Parts parts = new Parts();
    private final SystemClock clock;
    private final VirtualMachine vm;
    private final SharedMemory ram;
    private final List<X86Vcpu> vcpus;
    private final IsaIrqs irqs;
    private final Piix4Pm pm;
    private final AcpiPciHotplug hotplug;
    private final PciBus pci;
    private final PciCards cards;
    private final PcFirmware firmware;
    private final Machine machine;
    private Consumer<PciCard> ejected = card -> Thread.ofPlatform().start(() -> PciCards.closeBackEnds(List.of(card)));

    /**
     * Builds the machine; it does not run yet. Where this fails, files and back ends are still the caller's.
     *
     * @throws UserException                    when the configuration asks for something impossible
     * @throws org.jkvm.base.HostException when the host has no room for it
     */
    public Pc(PcConfig config, Hypervisor hypervisor) {
        this.config = config;
        try {
            layout = new RamLayout(config.memory().bytes());
            clock = resources.add(new SystemClock(bus.lock(), bug -> deviceFailed("timer", bug)));
            ram = resources.add(config.memory().allocate(layout.size()));
            vm = resources.add(hypervisor.createVirtualMachine(new VmConfig(config.vcpus(), clock)));
            bus.attach(vm);
            plugRam();
            vcpus = IntStream.range(0, config.vcpus()).mapToObj(i -> vm.createVcpu(i, config.cpu())).toList();
            irqs = new IsaIrqs(vm.interruptChip());

            I440fx hostBridge = parts.add("i440fx", new I440fx(I440fx.ShadowRam.NONE));
            Piix3 isaBridge = parts.add("piix3", new Piix3(irqs::join, this::resetLine));
            pci = new PciBus(bus.ports(), bus.mmio(), isaBridge.wiring());
            pci.attach(0, hostBridge);
            pci.attach(ISA_BRIDGE_SLOT, 0, isaBridge);
            ports("pci-config", ConfigMechanism1.PORT, ConfigMechanism1.PORTS,
                    parts.add("pci-config", new ConfigMechanism1(pci, isaBridge.resetControl())));

            pm = parts.add("piix4-pm", new Piix4Pm(clock, irqs.join(SCI_IRQ), true, this::sleep));
            Piix4PmFunction pmFunction = parts.add("piix4-pm-pci", new Piix4PmFunction(pm.window()));
            pci.attach(ISA_BRIDGE_SLOT, 3, pmFunction);
            ports("piix4-apm", APM_PORT, 2, pm.apmWindow());
            hotplug = parts.add("acpi-pci-hotplug", new AcpiPciHotplug(pm::event, this::eject));
            ports("acpi-pci-hotplug", AcpiPciHotplug.PORT, AcpiPciHotplug.PORTS, hotplug.window());

            Mc146818 rtc = parts.add("rtc", new Mc146818(irqs.join(8), clock, config.rtc()));
            ports("rtc", 0x70, 2, rtc.window());
            vm.postPortWrites(RTC_INDEX_PORT, 1);
            I8042 keyboard = parts.add("i8042",
                    new I8042(irqs.join(1), irqs.join(12), Line.UNCONNECTED, this::guestReset));
            ports("i8042-data", 0x60, 1, keyboard.dataWindow());
            ports("i8042-control", 0x64, 1, keyboard.controlWindow());
            ports("port92", 0x92, 1, parts.add("port92", new Port92(Line.UNCONNECTED, this::guestReset)).window());
            ports("dma1", 0x00, 0x10, parts.add("dma1", new I8237(1)).window());
            ports("dma2", 0xc0, 0x20, parts.add("dma2", new I8237(2)).window());
            ports("dma-pages", 0x80, 0x10, parts.add("dma-pages", new DmaPages()).window());
            vm.postPortWrites(POST_PORT, 1);
            plugSerialPorts();

            FwCfg fwCfg = parts.add("fw-cfg", new FwCfg(vm.memory()));
            ports("fw-cfg", FW_CFG_PORT, 2, fwCfg.window());
            ports("fw-cfg-dma", FW_CFG_PORT + 4, 8, fwCfg.dmaWindow());
            config.debug().forEach(this::plug);
            cards = new PciCards(cardServices(), parts);
            cards.plug(pci, config.cards());

            firmware = new PcFirmware(config, layout, new PcFirmware.Chips(pci, isaBridge, pmFunction, rtc, fwCfg));
            machine = new Machine(this, clock, config.policy());
        } catch (RuntimeException e) {
            resources.close();
            throw e;
        }
    }

    /** Life cycle: start, stop, reset, end. */
    public Machine machine() {
        return machine;
    }

    /** Guest memory as bus masters see it. */
    public GuestMemory memory() {
        return vm.memory();
    }

    /** The interrupt controllers. */
    public InterruptChip interruptChip() {
        return vm.interruptChip();
    }

    /** What runs it. */
    public VirtualMachine virtualMachine() {
        return vm;
    }

    /** PCI bus 0; the bus lock is held while it is used. */
    public PciBus pci() {
        return pci;
    }

    /** The PCI cards. */
    public PciCards cards() {
        return cards;
    }

    /** The devices. */
    public Parts parts() {
        return parts;
    }

    /** Guest time. */
    public SystemClock clock() {
        return clock;
    }

    @Override
    public String name() {
        return config.name();
    }

    @Override
    public Bus bus() {
        return bus;
    }

    @Override
    public List<X86Vcpu> vcpus() {
        return vcpus;
    }

    @Override
    public void reset() {
        parts.reset();
        vm.interruptChip().reset();
        vcpus.forEach(X86Vcpu::reset);
        firmware.run();
        firmware.placeTables(vm.memory());
        BootEntry entry = config.boot().load(vm.memory(), layout.memoryMap(), firmware.rsdp(), hasLongMode());
        for (X86Vcpu vcpu : vcpus) {
            setUp(vcpu, entry);
        }
    }

    /** Only the bootstrap processor enters the kernel. Time-stamp counters are left alone, so that they stay in step. */
    private void setUp(X86Vcpu vcpu, BootEntry entry) {
        X86State state = vcpu.readState();
        state.msrs.remove(IA32_TIME_STAMP_COUNTER);
        firmware.setUp(state);
        if (vcpu.index() == 0) {
            entry.prepare(state);
        }
        vcpu.writeState(state);
    }

    @Override
    public boolean idle() {
        return cards.disks().stream().allMatch(VirtioBlk::isIdle);
    }

    @Override
    public void resuming() {
        vm.resume();
        cards.disks().forEach(VirtioBlk::retryStopped);
    }

    @Override
    public void powerButton() {
        pm.powerButton();
    }

    @Override
    public String describe() {
        return describeAddressSpaces() + vm.interruptChip().describe();
    }

    /** What {@code info mtree} prints: RAM and the windows of both address spaces, each on a line. */
    public String describeAddressSpaces() {
        return bus.lockedGet(() -> AddressSpaceText.of(layout, bus));
    }

    /** Everything but RAM and back ends, with no vCPU running and the bus lock held. */
    @Override
    public void exchangeState(StateIo io) {
        io.part("clock", clock);
        io.part("irqs", irqs);
        io.part("devices", parts);
        io.part("vm", vm);
        for (X86Vcpu vcpu : vcpus) {
            io.part("vcpu" + vcpu.index(), vcpu);
        }
    }

    /** Ends the machine if it still runs, waits for its disks, closes them and frees everything. */
    @Override
    public void close() {
        machine.close();
        bus.close();
        clock.close();
        PciCards.closeBackEnds(cards.cards());
        resources.close();
        config.boot().close();
    }

    /**
     * Plugs a card into the running machine and tells the guest. The machine takes over its back end and closes it at its
     * end, unless it is taken out before.
     *
     * @throws UserException where its id or slot is taken
     */
    public void plugIn(PciCard card) {
        bus.locked(() -> hotplug.plugged(cards.hotplug(pci, card)));
    }

    /**
     * Asks the guest to let go of a card. When it has, whoever {@link #onEject} named is told.
     *
     * @throws UserException where there is no card of that id
     */
    public void askToUnplug(String id) {
        bus.locked(() -> hotplug.askToUnplug(cards.slotOf(id).orElseThrow(() ->
                new UserException("Device '" + id + "' not found"))));
    }

    /**
     * Says who gets the cards that the guest lets go of, and with them their back ends. Called with the bus lock held: it
     * must not wait. Before the machine starts.
     */
    public void onEject(Consumer<PciCard> taker) {
        ejected = taker;
    }

    private void eject(int slot) {
        cards.unplug(pci, slot).ifPresent(ejected);
    }

    private void plugRam() {
        int index = 0;
        for (RamLayout.Block b : layout.blocks()) {
            MemorySegment memory = ram.segment().asSlice(b.offset(), b.length());
            vm.setMemorySlot(new MemorySlot(index++, b.address(), memory, false, false));
        }
    }

    private PciCards.Services cardServices() {
        VirtioPci.Board board = new VirtioPci.Board(vm.memory(), vm.interruptChip(), bus.executor());
        return new PciCards.Services(board, clock, this::discardRam, this::diskFailed);
    }

    private void plugSerialPorts() {
        for (int i = 0; i < config.serial().size(); i++) {
            CharacterBackend backend = config.serial().get(i);
            if (backend != null) {
                SerialPort place = SERIAL_PORTS.get(i);
                Uart16550 uart = new Uart16550(irqs.join(place.irq()), clock, backend, bus.executor());
                ports("serial" + i, place.port(), UART_PORTS, parts.add("serial" + i, uart).window());
            }
        }
    }

    private void plug(DebugDevice device) {
        switch (device) {
            case DebugDevice.Console(int iobase, CharacterBackend out) -> {
                String name = "debugcon-" + Integer.toHexString(iobase);
                ports(name, iobase, 1, parts.add(name, new DebugPort(out)).window());
            }
            case DebugDevice.Exit(int iobase, int iosize) -> ports("isa-debug-exit", iobase, iosize,
                    parts.add("isa-debug-exit", new IsaDebugExit(this::debugExit)).window());
            case DebugDevice.TestDevice() -> plugTestDevice();
        }
    }

    /** Its flush port does nothing here: the hypervisor drops translations by itself when memory changes. */
    private void plugTestDevice() {
        List<Line> lines = new ArrayList<>();
        for (int i = 0; i < TEST_GSIS; i++) {
            int gsi = i;
            lines.add(i < 16 ? irqs.join(i) : level -> vm.interruptChip().setLine(gsi, level));
        }
        PcTestdev device = parts.add("pc-testdev", new PcTestdev(lines, page -> { }));
        ports("pc-testdev", 0xe0, 4, device.scratchWindow());
        ports("pc-testdev-flush", 0xe4, 4, device.flushWindow());
        ports("pc-testdev-bytes", 0xe8, 4, device.byteWindow());
        ports("pc-testdev-irqs", TEST_IRQ_PORTS, TEST_GSIS, device.irqWindow());
        bus.mmio().map("pc-testdev", TEST_MMIO, PcTestdev.MMIO_LENGTH, device.mmioWindow());
    }

    private void ports(String owner, int first, int count, IoHandler window) {
        try {
            bus.ports().map(owner, first, count, window);
        } catch (IllegalArgumentException e) {
            throw new UserException(e.getMessage());
        }
    }

    private void resetLine(boolean level) {
        if (level) {
            guestReset();
        }
    }

    private void guestReset() {
        machine.requestReset(Cause.GUEST_RESET);
    }

    private void sleep(int type) {
        if (type == Piix4Pm.SLP_TYP_SOFT_OFF) {
            machine.requestShutdown(Cause.GUEST_SHUTDOWN, 0);
        }
    }

    private void debugExit(int status) {
        machine.requestShutdown(Cause.GUEST_EXIT, status);
    }

    /** The range is inside RAM, and so inside one block of it. */
    private void discardRam(long address, long length) {
        for (RamLayout.Block b : layout.blocks()) {
            if (address >= b.address() && address < b.address() + b.length()) {
                ram.discard(address - b.address() + b.offset(), Math.min(length, b.address() + b.length() - address));
                vm.memory().markWritten(address, length);
            }
        }
    }

    private void deviceFailed(String where, Throwable bug) {
        machine.requestFailure(where, bug);
    }

    private void diskFailed(String reason) {
        machine.requestStop(RunState.IO_ERROR, new MachineEvent.BlockIoError(reason));
    }

    /** CPUID 80000001h, EDX bit 29 (SDM vol. 2A, CPUID). */
    private boolean hasLongMode() {
        return config.cpu().leaves().stream().anyMatch(l -> l.function() == 0x8000_0001 && (l.edx() & 1 << 29) != 0);
    }
}
