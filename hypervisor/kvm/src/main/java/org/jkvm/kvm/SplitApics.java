package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import org.jkvm.base.MsiChannel;

/** The local APICs of a virtual machine whose other controllers are not the kernel's (KVM_CAP_SPLIT_IRQCHIP). */
final class SplitApics implements KernelApics {
    private final KvmMessages messages;
    private final GsiRoutes routes;
    private final KvmMsiChannels channels;
    private final Runnable look;
    private Map<Integer, MsiMessage> redirections = Map.of();
    /** Guarded by this. */
    private boolean closed;

    /** Those of {@code vm}, which has no vCPU yet; {@code look} has its first one look for what the 8259As request. */
    SplitApics(Handle vm, int mostRoutes, Runnable look) {
        this.messages = new KvmMessages(vm);
        this.look = look;
        enable(vm);
        routes = GsiRoutes.ofSplitChips(vm, mostRoutes);
        channels = new KvmMsiChannels(vm, routes, this::signal);
    }

    private static void enable(Handle vm) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment capability = arena.allocate(Abi.EnableCap.S.size(), 8);
            capability.set(JAVA_INT, Abi.EnableCap.CAP, KernelCapability.SPLIT_IRQCHIP.number());
            capability.set(JAVA_LONG, Abi.EnableCap.ARGS, GsiRoutes.GSIS);
            vm.call(Request.KVM_ENABLE_CAP, capability);
        }
    }

    @Override
    public synchronized void signal(long address, int data) {
        if (!closed) {
            messages.signal(address, data);
        }
    }

    @Override
    public MsiChannel channel() {
        return channels.open();
    }

    @Override
    public void redirect(Map<Integer, MsiMessage> wanted) {
        synchronized (channels) {
            if (!closed && !wanted.equals(redirections)) {
                redirections = Map.copyOf(wanted);
                routes.redirect(redirections);
            }
        }
    }

    @Override
    public void interruptRequested() {
        look.run();
    }

    /** Every message that was sent has been delivered when this returns. */
    void release() {
        channels.release();
    }

    void close() {
        channels.close();
        synchronized (this) {
            closed = true;
        }
    }
}
