package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jkvm.base.HostException;
import org.jkvm.base.MsiChannel;
import org.jkvm.base.MsiSink;
import org.jkvm.linux.EventCounter;

/**
 * Ways of their own for messages: an event that the kernel answers by an interrupt (KVM_IRQFD), routed to the message. Where there
 * is no room for another, and once this is closed, messages go the common way.
 */
final class KvmMsiChannels {
    private final Handle vm;
    private final GsiRoutes routes;
    private final MsiSink common;
    /** Those that hold something. */
    private final List<Channel> taken = new CopyOnWriteArrayList<>();
    private Map<Integer, MsiMessage> redirections = Map.of();
    private boolean closed;

    /** {@code common} is the common way. */
    KvmMsiChannels(Handle vm, GsiRoutes routes, MsiSink common) {
        this.vm = vm;
        this.routes = routes;
        this.common = common;
    }

    MsiChannel open() {
        return new Channel();
    }

    /** How many have an event and a route. */
    int inUse() {
        return taken.size();
    }

    /** Says what the GSIs of pins send; see {@link KernelApics#redirect}. */
    synchronized void redirect(Map<Integer, MsiMessage> wanted) {
        if (!closed && !wanted.equals(redirections)) {
            redirections = Map.copyOf(wanted);
            routes.redirect(redirections);
        }
    }

    /** Every message that was sent has been delivered when this returns. */
    synchronized void release() {
        taken.forEach(Channel::release);
    }

    synchronized void close() {
        release();
        closed = true;
    }

    private final class Channel implements MsiChannel {
        /** Null where nothing is held. All guarded by the channels. */
        private EventCounter event;
        private MsiMessage routed;
        private int gsi;

        @Override
        public void signal(long address, int data) {
            synchronized (KvmMsiChannels.this) {
                if (!closed && leadsTo(new MsiMessage(address, data))) {
                    event.raise();
                    return;
                }
            }
            common.signal(address, data);
        }

        private boolean leadsTo(MsiMessage message) {
            if (event == null) {
                return take(message);
            }
            if (!message.equals(routed)) {
                routes.set(gsi, message);
                routed = message;
            }
            return true;
        }

        private boolean take(MsiMessage message) {
            gsi = routes.add(message);
            if (gsi < 0) {
                return false;
            }
            try {
                event = EventCounter.open();
                routed = message;
                if (call(0) >= 0) {
                    taken.add(this);
                    return true;
                }
                event.close();
            } catch (HostException noDescriptorLeft) {
                // The common way has to do.
            }
            event = null;
            routes.remove(gsi);
            return false;
        }

        /** The kernel waits for interrupts under way when an event is taken from it (virt/kvm/eventfd.c, irqfd_shutdown). */
        @Override
        public void release() {
            synchronized (KvmMsiChannels.this) {
                if (event != null) {
                    call(ChipAbi.IrqFd.DEASSIGN);
                    event.close();
                    event = null;
                    routes.remove(gsi);
                    taken.remove(this);
                }
            }
        }

        private int call(int flags) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment request = arena.allocate(ChipAbi.IrqFd.S.size(), 4);
                request.set(JAVA_INT, ChipAbi.IrqFd.FD, event.descriptor());
                request.set(JAVA_INT, ChipAbi.IrqFd.GSI, gsi);
                request.set(JAVA_INT, ChipAbi.IrqFd.FLAGS, flags);
                return vm.attempt(Request.KVM_IRQFD, request);
            }
        }
    }
}
