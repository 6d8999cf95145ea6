package org.jkvm.devices.pci;

import java.util.List;
import org.jkvm.base.Bits;
import org.jkvm.base.IoHandler;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateIo;
import org.jkvm.devices.Device;

/**
 * Configuration mechanism 1 (PCI 3.0, section 3.2.2.3.2): ports CF8h to CFFh. Only a doubleword access reaches
 * CONFIG_ADDRESS; narrower ones at CF8h to CFBh pass through to what else decodes there (the PIIX3's reset control
 * register at CF9h). CONFIG_DATA takes bytes, words and doublewords at any of its four ports.
 */
public final class ConfigMechanism1 implements Device, IoHandler {
    /** First port. */
    public static final int PORT = 0xcf8;
    /** Ports in the window. */
    public static final int PORTS = 8;
    private static final int DATA = 4;
    private static final int ENABLE = 31;

    private final transient PciBus bus;
    private final IoHandler beside;
    private final RegisterFile registers = new RegisterFile("config-mechanism-1")
            .summary("configuration mechanism 1").source("PCI 3.0, section 3.2.2.3.2");
    private final Register address = registers.register("CONFIG_ADDRESS", 0, 32).writable(0x80ff_fffcL)
            .summary("what CONFIG_DATA reaches").bit("Enable", ENABLE, "CONFIG_DATA makes configuration cycles")
            .field("Bus", 23, 16, "bus number").field("Device", 15, 11, "slot").field("Function", 10, 8, "function")
            .field("Register", 7, 2, "doubleword of the configuration space");

    /**
     * The mechanism in front of {@code bus}.
     *
     * @param beside gets accesses of 1 and 2 bytes at CF8h to CFBh, with offsets from CF8h
     */
    public ConfigMechanism1(PciBus bus, IoHandler beside) {
        this.bus = bus;
        this.beside = beside;
    }

    @Override
    public List<RegisterFile> registerFiles() {
        return List.of(registers);
    }

    @Override
    public String name() {
        return "config-mechanism-1";
    }

    @Override
    public void reset() {
        registers.reset();
    }

    @Override
    public long read(long offset, int size) {
        if (offset < DATA) {
            return offset == 0 && size == 4 ? registers.read(0, 4) : beside.read(offset, size);
        }
        return reachable() ? bus.configRead(place(), register(offset), width(offset, size)) : Bits.mask(8 * size);
    }

    @Override
    public void write(long offset, int size, long value) {
        if (offset >= DATA) {
            writeData(offset, size, value);
        } else if (offset == 0 && size == 4) {
            registers.write(0, 4, value);
        } else {
            beside.write(offset, size, value);
        }
    }

    @Override
    public void exchangeState(StateIo io) {
        registers.exchangeState(io);
    }

    private void writeData(long offset, int size, long value) {
        if (reachable()) {
            bus.configWrite(place(), register(offset), width(offset, size), value);
        }
    }

    /** Only bus 0 exists: cycles for others end in a master abort. */
    private boolean reachable() {
        return address.isSet(ENABLE) && Bits.extract(address.get(), 23, 16) == 0;
    }

    private int place() {
        return (int) Bits.extract(address.get(), 15, 8);
    }

    private int register(long offset) {
        return (int) (address.get() & 0xfc | offset & 3);
    }

    /** A cycle does not leave its doubleword. */
    private static int width(long offset, int size) {
        return (int) Math.min(size, PORTS - offset);
    }
}
