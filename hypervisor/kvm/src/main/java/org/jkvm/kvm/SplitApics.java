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
    private final Runnable look;

    /** Those of {@code vm}, which has no vCPU yet; {@code look} has its first one look for what the 8259As request. */
    SplitApics(Handle vm, int mostRoutes, Runnable look) {
        this.look = look;
        enable(vm);
        messages = new KvmMessages(vm, GsiRoutes.ofSplitChips(vm, mostRoutes));
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
    public void signal(long address, int data) {
        messages.signal(address, data);
    }

    @Override
    public MsiChannel channel() {
        return messages.channel();
    }

    @Override
    public void redirect(Map<Integer, MsiMessage> wanted) {
        messages.redirect(wanted);
    }

    @Override
    public void interruptRequested() {
        look.run();
    }

    /** Every message that was sent has been delivered when this returns. */
    void release() {
        messages.release();
    }

    void close() {
        messages.close();
    }
}
