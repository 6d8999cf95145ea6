package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.LongSupplier;

/**
 * By how much a vCPU's time-stamp counter is ahead of the host's. Kernels since 5.16 tell and take the difference itself; with
 * older ones the counter is read and written, which is less exact, and a value that is within a second of what the kernel
 * expects is taken for an attempt to put processors in step (arch/x86/kvm/x86.c, kvm_synchronize_tsc).
 */
final class TscOffset {
    private static final int IA32_TIME_STAMP_COUNTER = 0x10;

    private final Handle vcpu;
    private final MsrTransfer msrs;
    private final MemorySegment attribute;
    private final MemorySegment value;

    /** An offset with buffers that live in {@code arena}. */
    TscOffset(Handle vcpu, MsrTransfer msrs, Arena arena) {
        this.vcpu = vcpu;
        this.msrs = msrs;
        value = arena.allocate(JAVA_LONG);
        attribute = arena.allocate(Abi.DeviceAttr.S.size(), 8);
        attribute.set(JAVA_INT, Abi.DeviceAttr.GROUP, Abi.DeviceAttr.TSC_CTRL);
        attribute.set(JAVA_LONG, Abi.DeviceAttr.ATTR, Abi.DeviceAttr.TSC_OFFSET);
        attribute.set(JAVA_LONG, Abi.DeviceAttr.ADDR, value.address());
    }

    long read(LongSupplier hostTsc) {
        return vcpu.attempt(Request.KVM_GET_DEVICE_ATTR, attribute) == 0 ? value.get(JAVA_LONG, 0)
                : msrs.read(IA32_TIME_STAMP_COUNTER) - hostTsc.getAsLong();
    }

    void write(long offset, LongSupplier hostTsc) {
        value.set(JAVA_LONG, 0, offset);
        if (vcpu.attempt(Request.KVM_SET_DEVICE_ATTR, attribute) != 0) {
            msrs.write(IA32_TIME_STAMP_COUNTER, offset + hostTsc.getAsLong());
        }
    }
}
