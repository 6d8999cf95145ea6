package org.jkvm.x86.trap;

import org.jkvm.x86.GuestFault;
import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.state.Segment;

/**
 * A frame being pushed outside 64-bit mode, onto the present stack or that of an inner level: memory is written at once,
 * SS and ESP change only in {@link #commit}, so that a fault on the way leaves the processor as it was.
 */
final class StackFrame {
    private final X86Cpu cpu;
    private final int selector;
    private final Descriptor descriptor;
    private final int size;
    private final int level;
    private final long mask;
    private final int errorCode;
    private long sp;

    private StackFrame(X86Cpu cpu, int selector, Descriptor descriptor, long sp, int size, int level, int errorCode) {
        this.cpu = cpu;
        this.selector = selector;
        this.descriptor = descriptor;
        this.sp = sp;
        this.size = size;
        this.level = level;
        this.errorCode = errorCode;
        this.mask = descriptor == null ? cpu.stackMask : descriptor.big() ? 0xffff_ffffL : 0xffffL;
    }

    /** A frame of {@code size}-byte items on the present stack. */
    static StackFrame current(X86Cpu cpu, int size) {
        return new StackFrame(cpu, 0, null, cpu.general(4), size, cpu.cpl, 0);
    }

    /** A frame on the stack of privilege {@code level}; limit violations are #SS with the new selector. */
    static StackFrame inner(X86Cpu cpu, int selector, Descriptor ss, long sp, int size, int level, int ext) {
        return new StackFrame(cpu, selector, ss, sp, size, level, selector & 0xfffc | ext);
    }

    void push(long value) {
        long next = sp - size & mask;
        if (descriptor == null) {
            cpu.mmu.store(cpu.linear(Segment.SS, next, size, true), size, value);
        } else {
            checkLimit(next);
            int old = cpu.cpl;
            cpu.segments.setCpl(level);
            try {
                cpu.mmu.store(descriptor.base32() + next & 0xffff_ffffL, size, value);
            } finally {
                cpu.segments.setCpl(old);
            }
        }
        sp = next;
    }

    private void checkLimit(long offset) {
        long limit = descriptor.limit() & 0xffff_ffffL;
        boolean down = (descriptor.access() & Segment.DOWN_CONFORMING) != 0;
        boolean inside = down ? offset > limit && offset + size - 1 <= mask : offset + size - 1 <= limit;
        if (!inside) {
            throw limitFault();
        }
    }

    private GuestFault limitFault() {
        return cpu.fault(Vector.SS, errorCode);
    }

    /** Makes it the stack. */
    void commit() {
        if (descriptor != null) {
            cpu.segments.install(Segment.SS, selector, descriptor);
        }
        long old = descriptor == null ? cpu.general(4) : 0;
        cpu.setGeneral(4, mask == 0xffff ? old & ~mask | sp & mask : sp & mask);
    }
}
