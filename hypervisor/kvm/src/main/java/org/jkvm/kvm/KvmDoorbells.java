package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.function.Consumer;
import org.jkvm.base.HostException;
import org.jkvm.hypervisor.Doorbell;
import org.jkvm.linux.EventCounter;
import org.jkvm.linux.EventLoop;

/**
 * Guest physical addresses whose writes the kernel turns into events (KVM_IOEVENTFD), and the thread that hears them. Only writes
 * of one size are: others, and reads, are exits.
 */
final class KvmDoorbells implements AutoCloseable {
    private final Handle vm;
    /** Null until the first doorbell. Guarded by this, as is {@link #closed}. */
    private EventLoop loop;
    private boolean closed;

    KvmDoorbells(Handle vm) {
        this.vm = vm;
    }

    /** See {@link org.jkvm.hypervisor.VirtualMachine#doorbell}. */
    synchronized Optional<Doorbell> add(long address, int size, Consumer<Doorbell> rings) {
        if (closed) {
            return Optional.empty();
        }
        try {
            return assign(new Bell(address, size, EventCounter.open()), rings);
        } catch (HostException noDescriptorLeft) {
            return Optional.empty();
        }
    }

    /** In this order: what the kernel takes is heard. */
    private Optional<Doorbell> assign(Bell bell, Consumer<Doorbell> rings) {
        boolean assigned = false;
        try {
            loop().add(bell.event, () -> rings.accept(bell));
            assigned = bell.call(0) >= 0;
            return assigned ? Optional.of(bell) : Optional.empty();
        } finally {
            if (!assigned) {
                forget(bell);
            }
        }
    }

    private void forget(Bell bell) {
        if (loop != null) {
            loop.remove(bell.event);
        }
        bell.event.close();
    }

    private EventLoop loop() {
        if (loop == null) {
            loop = new EventLoop("doorbells");
        }
        return loop;
    }

    private synchronized void remove(Bell bell) {
        if (!closed) {
            bell.call(ChipAbi.IoEventFd.DEASSIGN);
        }
        forget(bell);
    }

    /** The virtual machine is about to be closed, and with it what is assigned. Each doorbell is still its owner's to close. */
    @Override
    public synchronized void close() {
        closed = true;
        if (loop != null) {
            loop.close();
        }
    }

    private final class Bell implements Doorbell {
        private final long address;
        private final int size;
        private final EventCounter event;

        Bell(long address, int size, EventCounter event) {
            this.address = address;
            this.size = size;
            this.event = event;
        }

        int call(int flags) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment request = arena.allocate(ChipAbi.IoEventFd.S.size(), 8);
                request.set(JAVA_LONG, ChipAbi.IoEventFd.ADDR, address);
                request.set(JAVA_INT, ChipAbi.IoEventFd.LEN, size);
                request.set(JAVA_INT, ChipAbi.IoEventFd.FD, event.descriptor());
                request.set(JAVA_INT, ChipAbi.IoEventFd.FLAGS, flags);
                return vm.attempt(Request.KVM_IOEVENTFD, request);
            }
        }

        @Override
        public boolean take() {
            return event.take();
        }

        @Override
        public void close() {
            remove(this);
        }
    }
}
