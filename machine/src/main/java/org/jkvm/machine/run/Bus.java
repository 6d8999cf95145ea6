package org.jkvm.machine.run;

import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jkvm.base.Bits;
import org.jkvm.base.GuestMemory;
import org.jkvm.devices.bus.AddressSpace;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.PostedWrites;
import org.jkvm.hypervisor.VirtualMachine;

/**
 * What the devices of one machine share: the port and MMIO spaces, and the lock under which every device runs. vCPU
 * threads come in through the four accesses, back ends through {@link #executor}, timers through {@link #lock}.
 */
public final class Bus {
    private static final System.Logger LOG = System.getLogger(Bus.class.getName());

    private final ReentrantLock lock = new ReentrantLock();
    private final AddressSpace ports = new AddressSpace("I/O ports");
    private final AddressSpace mmio = new AddressSpace("memory-mapped I/O");
    private final Consumer<Throwable> failed;
    private long guestFaults;
    private boolean closed;
    /** Null until there is a machine. */
    private VirtualMachine vm;
    private Doorbells doorbells;
    private final PostedWrites posted = new PostedWrites() {
        @Override
        public void port(int port, int size, long value) {
            write(ports, port, size, value);
        }

        @Override
        public void mmio(long address, int size, long value) {
            write(mmio, address, size, value);
        }
    };

    /** An empty bus; {@code failed} gets what a back end's task threw: a bug, after which the machine should stop. */
    public Bus(Consumer<Throwable> failed) {
        this.failed = failed;
    }

    /** Exits will be those of {@code machine}, which answers what it can by itself. Once, before it runs. */
    public void attach(VirtualMachine machine) {
        locked(() -> {
            vm = machine;
            doorbells = new Doorbells(machine, this);
            mmio.listen(doorbells);
        });
    }

    /**
     * Hands devices what the backend has kept back or rung for so far. The lock is held; when no vCPU runs, nothing is left then
     * that only the backend knows of.
     */
    public void settle() {
        deliverPosted();
        if (doorbells != null) {
            doorbells.answer();
        }
    }

    private void deliverPosted() {
        if (vm != null) {
            vm.deliverPosted(posted);
        }
    }

    /** A doorbell has rung: what a write to it does. */
    void ring(long address, int size) {
        write(mmio, address, size, 0);
    }

    /** The bus lock. Back ends never wait for anything while holding it. */
    public ReentrantLock lock() {
        return lock;
    }

    /** The I/O port space; the lock is held while it is used. */
    public AddressSpace ports() {
        return ports;
    }

    /** The part of the physical address space that is not memory; the lock is held while it is used. */
    public AddressSpace mmio() {
        return mmio;
    }

    /**
     * Runs a task on the calling thread with the lock held: how back ends reach their devices. Once the bus is closed such
     * tasks come to nothing: a back end may outlive the machine.
     */
    public Executor executor() {
        return task -> locked(() -> runGuarded(task));
    }

    private void runGuarded(Runnable task) {
        try {
            if (!closed) {
                task.run();
            }
        } catch (RuntimeException bug) {
            failed.accept(bug);
        }
    }

    /** Cuts the devices off from their back ends' threads. */
    public void close() {
        locked(() -> {
            closed = true;
            if (doorbells != null) {
                doorbells.close();
            }
        });
    }

    /** Runs {@code task} with the lock held. */
    public void locked(Runnable task) {
        lock.lock();
        try {
            task.run();
        } finally {
            lock.unlock();
        }
    }

    /** Asks something with the lock held. */
    public <T> T lockedGet(Supplier<T> question) {
        lock.lock();
        try {
            return question.get();
        } finally {
            lock.unlock();
        }
    }

    /** A port read of {@code count} times {@code size} bytes. */
    ExitAnswer readPort(int port, int size, int count) {
        lock.lock();
        try {
            deliverPosted();
            return count == 1 ? new ExitAnswer.Value(read(ports, port, size)) : readPorts(port, size, count);
        } finally {
            lock.unlock();
        }
    }

    private ExitAnswer readPorts(int port, int size, int count) {
        byte[] data = new byte[size * count];
        for (int i = 0; i < data.length; i += size) {
            long value = read(ports, port, size);
            for (int b = 0; b < size; b++) {
                data[i + b] = (byte) (value >> 8 * b);
            }
        }
        return new ExitAnswer.Data(data);
    }

    /** A port write; {@code data} holds the values one after the other, little-endian. */
    void writePort(int port, int size, byte[] data) {
        lock.lock();
        try {
            deliverPosted();
            for (int i = 0; i + size <= data.length; i += size) {
                long value = 0;
                for (int b = size - 1; b >= 0; b--) {
                    value = value << 8 | data[i + b] & 0xff;
                }
                write(ports, port, size, value);
            }
        } finally {
            lock.unlock();
        }
    }

    /** A read of a physical address that is not memory. */
    ExitAnswer readMmio(long address, int size) {
        lock.lock();
        try {
            deliverPosted();
            return new ExitAnswer.Value(read(mmio, address, size));
        } finally {
            lock.unlock();
        }
    }

    /** A write to a physical address that is not memory. */
    void writeMmio(long address, int size, long value) {
        lock.lock();
        try {
            deliverPosted();
            write(mmio, address, size, value);
        } finally {
            lock.unlock();
        }
    }

    private long read(AddressSpace space, long address, int size) {
        try {
            return space.read(address, size) & Bits.mask(8 * size);
        } catch (GuestMemory.BadAddress e) {
            guestFault(address, e);
            return Bits.mask(8 * size);
        }
    }

    private void write(AddressSpace space, long address, int size, long value) {
        try {
            space.write(address, size, value);
        } catch (GuestMemory.BadAddress e) {
            guestFault(address, e);
        }
    }

    /** The guest told a device to reach memory that is not there: its own loss; said once. */
    private void guestFault(long address, GuestMemory.BadAddress fault) {
        if (guestFaults++ == 0) {
            LOG.log(System.Logger.Level.WARNING, "access at {0}h: {1}", Long.toHexString(address), fault.getMessage());
        }
    }
}
