package org.jkvm.devices.pci;

import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.Bits;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.devices.bus.AddressSpace;
import org.jkvm.testkit.FakeLine;

/** A board with one PCI bus and nothing else: configuration by ports, windows in two spaces, one line for every pin. */
public final class TestBoard {
    /** Memory window that the allocator gives out. */
    public static final long MEMORY = 0xe000_0000L;
    /** I/O window that the allocator gives out. */
    public static final long IO = 0xc000;

    /** One message that a device sent. */
    public record Message(long address, int data) {
    }

    public final AddressSpace io = new AddressSpace("io");
    public final AddressSpace memory = new AddressSpace("memory");
    public final FakeLine pin = new FakeLine();
    public final List<Message> messages = new ArrayList<>();
    public final PciBus bus = new PciBus(io, memory, (device, number) -> pin);

    public TestBoard() {
        io.map("config", ConfigMechanism1.PORT, ConfigMechanism1.PORTS,
                new ConfigMechanism1(bus, new RegisterFile("beside")));
    }

    /** What devices send messages to. */
    public void message(long address, int data) {
        messages.add(new Message(address, data));
    }

    /** Gives every BAR an address. */
    public void assign() {
        new PciAllocator(new PciAllocator.Range(IO, 0x1000), new PciAllocator.Range(MEMORY, 0x1000_0000))
                .assign(bus, (device, number) -> 11);
    }

    public long config(int device, int offset, int size) {
        io.write(ConfigMechanism1.PORT, 4, 1L << 31 | device << 11 | offset & 0xfc);
        return io.read(ConfigMechanism1.PORT + 4 + (offset & 3), size) & Bits.mask(8 * size);
    }

    public void config(int device, int offset, int size, long value) {
        io.write(ConfigMechanism1.PORT, 4, 1L << 31 | device << 11 | offset & 0xfc);
        io.write(ConfigMechanism1.PORT + 4 + (offset & 3), size, value);
    }
}
