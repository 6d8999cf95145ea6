package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The signals that are held back from a vCPU's thread while it is in the kernel: none, whatever the thread holds back. */
final class SignalMask {
    /** The kernel's sigset_t has 64 signals. */
    private static final int SIGSET_BYTES = 8;

    private SignalMask() {
    }

    static void clear(Handle vcpu) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(Abi.SignalMask.S.size() + SIGSET_BYTES, 8);
            mask.set(JAVA_INT, Abi.SignalMask.LEN, SIGSET_BYTES);
            vcpu.call(Request.KVM_SET_SIGNAL_MASK, mask);
        }
    }
}
