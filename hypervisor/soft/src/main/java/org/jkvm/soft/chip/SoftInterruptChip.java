package org.jkvm.soft.chip;

import java.util.concurrent.locks.ReentrantLock;
import org.jkvm.base.Bits;
import org.jkvm.base.IoHandler;
import org.jkvm.base.Line;
import org.jkvm.base.MsiSink;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;
import org.jkvm.base.time.Clock;
import org.jkvm.hypervisor.InterruptChip;

/**
 * The PC's interrupt controllers in Java. vCPU threads, device threads and the clock's thread call in; one lock, which is
 * taken inside the bus lock and never around anything but {@link ProcessorPins}, keeps the chips single-threaded.
 *
 * <pre>
 *   PIT counter 0 ─┐                 ┌── 8259A pair ── LINT0 of every local APIC
 *                  GSI 0 ────────────┤
 *   GSI 1..15 ───────────────────────┼── I/O APIC pin n (GSI 0: pin 2) ──┐
 *   GSI 16..23 ──────────────────────┘                                   ├── APIC bus ── local APICs ── vCPUs
 *   MSIs ────────────────────────────────────────────────────────────────┘
 * </pre>
 *
 * State: all but the local APICs, which belong to their vCPUs.
 */
public final class SoftInterruptChip implements InterruptChip, Stateful {
    /** Where the I/O APIC is: 4 KiB. */
    public static final long IO_APIC_ADDRESS = 0xfec0_0000L;
    /** Bytes of the I/O APIC's window. */
    public static final int IO_APIC_LENGTH = 0x1000;

    private static final int ISA_LINES = 16;
    /** The MADT's override of GSI 0. */
    private static final int TIMER_PIN = 2;

    private final ReentrantLock lock = new ReentrantLock();
    private final Clock clock;
    private final long tscHertz;
    private final ApicBus bus;
    private final IoApic ioApic;
    private final Pic8259Pair pics = new Pic8259Pair(this::intr);
    private final Pit8254 pit;
    private final LocalApic[] apics;
    private final Line intr;

    /** Is told of the I/O APIC's redirections. */
    public interface Redirections {
        /** What input {@code pin} sends when it is asserted. */
        void redirect(int pin, long address, int data);
    }

    /**
     * Chips after power-on, no processor attached.
     *
     * @param clock    guest time
     * @param maxVcpus how many processors may be attached, 1 to 255
     * @param tscHertz frequency of the processors' time-stamp counters
     */
    public SoftInterruptChip(Clock clock, int maxVcpus, long tscHertz) {
        this(clock, maxVcpus, tscHertz, null, Line.UNCONNECTED);
    }

    private SoftInterruptChip(Clock clock, int maxVcpus, long tscHertz, MsiSink processors, Line intr) {
        this.clock = clock.lockedBy(lock);
        this.tscHertz = tscHertz;
        this.intr = intr;
        this.apics = new LocalApic[maxVcpus];
        this.bus = new ApicBus(apics, vector -> ioApic().endOfInterrupt(vector));
        this.ioApic = new IoApic(IoApic.VERSION_EOI_REGISTER,
                processors == null ? bus::send : m -> processors.signal(m.address(), m.data()));
        this.pit = new Pit8254(this.clock, level -> route(0, level));
    }

    /**
     * Chips beside local APICs that are elsewhere.
     *
     * @param processors takes the I/O APIC's messages, with the chips' lock held
     * @param intr       the 8259As' INTR, likewise
     */
    public static SoftInterruptChip besideApics(Clock clock, MsiSink processors, Line intr) {
        return new SoftInterruptChip(clock, 0, 0, processors, intr);
    }

    /** Whether the 8259As request an interrupt. */
    public boolean requested() {
        lock.lock();
        try {
            return pics.requested();
        } finally {
            lock.unlock();
        }
    }

    /** The 8259As' vector: the processor's INTA cycles. */
    public int acknowledge() {
        lock.lock();
        try {
            return pics.acknowledge();
        } finally {
            lock.unlock();
        }
    }

    /** A processor has ended the level-triggered interrupt of that vector. */
    public void endOfInterrupt(int vector) {
        lock.lock();
        try {
            ioApic.endOfInterrupt(vector);
        } finally {
            lock.unlock();
        }
    }

    /** Tells {@code to} of every input of the I/O APIC that is not masked. */
    public void describeRedirections(Redirections to) {
        lock.lock();
        try {
            ioApic.redirections().forEach((pin, m) -> to.redirect(pin, m.address(), m.data()));
        } finally {
            lock.unlock();
        }
    }

    /** Gives processor {@code index}, which is its APIC id, a local APIC. Before it runs. */
    public VcpuInterrupts attach(int index, ProcessorPins pins) {
        GuestTsc tsc = new GuestTsc(clock, tscHertz);
        lock.lock();
        try {
            apics[index] = new LocalApic(index, bus, pics::acknowledge, pins, clock, tsc);
            apics[index].restoreLint0(pics.requested());
            return new VcpuInterrupts(lock, apics[index], tsc);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void setLine(int gsi, boolean level) {
        lock.lock();
        try {
            route(gsi, level);
        } finally {
            lock.unlock();
        }
    }

    /** MSI (SDM vol. 3A, 10.11.1 and 10.11.2): writes outside FEExxxxxh are not interrupts. */
    @Override
    public void signal(long address, int data) {
        boolean deassert = Bits.isSet(data, 15) && !Bits.isSet(data, 14);
        if (address >>> 20 != 0xfee || deassert) {
            return;
        }
        lock.lock();
        try {
            bus.send(message((int) address, data));
        } finally {
            lock.unlock();
        }
    }

    /** Drives LINT1 of every processor: the PC's NMI. */
    public void setNmi(boolean level) {
        lock.lock();
        try {
            for (LocalApic a : apics) {
                if (a != null) {
                    a.setLint1(level);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean speakerOutput() {
        lock.lock();
        try {
            return pit.speakerOutput();
        } finally {
            lock.unlock();
        }
    }

    /** Resets the chips and the local APICs. */
    @Override
    public void reset() {
        lock.lock();
        try {
            ioApic.reset();
            pics.reset();
            for (LocalApic a : apics) {
                if (a != null) {
                    a.reset();
                }
            }
            pit.reset();
        } finally {
            lock.unlock();
        }
    }

    /** The chips are not used any more: their timers stand still. */
    public void close() {
        lock.lock();
        try {
            pit.close();
            for (LocalApic a : apics) {
                if (a != null) {
                    a.timer().reset();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Whether a port belongs to these chips. Takes no lock. */
    public static boolean ownsPort(int port) {
        return switch (port) {
            case 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x41, 0x42, 0x43, 0x61 -> true;
            default -> false;
        };
    }

    /** Whether a physical address belongs to the I/O APIC. Takes no lock. */
    public static boolean ownsAddress(long address) {
        return address >= IO_APIC_ADDRESS && address < IO_APIC_ADDRESS + IO_APIC_LENGTH;
    }

    /** Reads {@code size} bytes (1, 2 or 4) at {@code port}, byte by byte as the ISA bus does; others' bytes float. */
    public long readPort(int port, int size) {
        long value = 0;
        lock.lock();
        try {
            for (int i = 0; i < size; i++) {
                long part = ownsPort(port + i) ? chip(port + i).read(offset(port + i), 1) : 0xff;
                value |= (part & 0xff) << 8 * i;
            }
        } finally {
            lock.unlock();
        }
        return value;
    }

    /** Writes {@code size} bytes (1, 2 or 4) at {@code port}, byte by byte. */
    public void writePort(int port, int size, long value) {
        lock.lock();
        try {
            for (int i = 0; i < size; i++) {
                if (ownsPort(port + i)) {
                    chip(port + i).write(offset(port + i), 1, value >>> 8 * i & 0xff);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Reads the I/O APIC. */
    public long readMmio(long address, int size) {
        lock.lock();
        try {
            return ioApic.read(address - IO_APIC_ADDRESS, size);
        } finally {
            lock.unlock();
        }
    }

    /** Writes the I/O APIC. */
    public void writeMmio(long address, int size, long value) {
        lock.lock();
        try {
            ioApic.write(address - IO_APIC_ADDRESS, size, value);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public String describe() {
        lock.lock();
        try {
            return new ChipReport(pics, ioApic, apics).text();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void exchangeState(StateIo io) {
        lock.lock();
        try {
            io.part("pic", pics);
            io.part("ioapic", ioApic);
            io.part("pit", pit);
            io.part("apic-bus", bus);
            for (LocalApic a : apics) {
                if (a != null && io.restoring()) {
                    a.restoreLint0(pics.requested());
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private IoApic ioApic() {
        return ioApic;
    }

    private void route(int gsi, boolean level) {
        if (gsi < ISA_LINES) {
            pics.setLine(gsi, level);
        }
        ioApic.setLine(gsi == 0 ? TIMER_PIN : gsi, level);
    }

    /** The 8259As' INTR goes to every local APIC's LINT0 (MultiProcessor Specification 1.4, figure 3-2). */
    private void intr(boolean level) {
        intr.set(level);
        for (LocalApic a : apics) {
            if (a != null) {
                a.setLint0(level);
            }
        }
    }

    /** Redirection hint (address bit 3) asks for the lowest priority among those addressed. */
    private static ApicMessage message(int address, int data) {
        boolean hint = Bits.isSet(address, 3) && DeliveryMode.of(data) == DeliveryMode.FIXED;
        DeliveryMode mode = hint ? DeliveryMode.LOWEST_PRIORITY : DeliveryMode.of(data);
        return new ApicMessage(address >> 12 & 0xff, Bits.isSet(address, 2), false, mode, data & 0xff, Bits.isSet(data, 15));
    }

    private IoHandler chip(int port) {
        return switch (port & ~1) {
            case 0x20 -> pics.master();
            case 0xa0 -> pics.slave();
            case 0x4d0 -> pics.edgeLevel();
            case 0x60 -> pit.portB();
            default -> pit.counters();
        };
    }

    private static int offset(int port) {
        return port == 0x61 ? 0 : port >= 0x40 && port <= 0x43 ? port & 3 : port & 1;
    }
}
