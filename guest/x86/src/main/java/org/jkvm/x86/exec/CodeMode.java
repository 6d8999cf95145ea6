package org.jkvm.x86.exec;

import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.getShort;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Segment;

/**
 * What decoded and translated code takes for granted beside its bytes. Code of another mode is another block.
 *
 * @param bits code size: 16, 32 or 64, with bit 0 set at CPL 3, bit 22 at CPL 0, bit 1 in real mode, bit 2 in virtual-8086 mode;
 *             TLB from bit 7; vectors in bits 9 and 21, x87 in 23; in 32-bit code data segments from bit 10; the number of
 *             the code segment from bit 24
 */
public record CodeMode(long bits) {
    /** How many bits there are without the code segment's number. */
    private static final int COMMON_BITS = 24;
    private static final int CODE_SIZE = 0x70;
    private static final int USER = 1;
    private static final int REAL = 1 << 1;
    private static final int V86 = 1 << 2;
    private static final int TLB_SHIFT = 7;
    private static final int VECTORS = 1 << 9;
    private static final int AVX = 1 << 21;
    private static final int CPL0 = 1 << 22;
    private static final int X87 = 1 << 23;
    private static final int SHAPE_SHIFT = 10;
    private static final int BASES_SHIFT = 16;
    private static final int WIDE_STACK = 1 << 20;
    private static final int MXCSR_MASKS = 0x1f80;
    private static final int X87_MASKS = 0x3f;
    private static final int XCR0_AVX = 6;

    /** {@code mode} without the code segment's number, which is one processor's own. */
    public static long common(long mode) {
        return mode & (1 << COMMON_BITS) - 1;
    }

    /** The mode's number from the processor's state. */
    public static long of(X86Cpu cpu) {
        int mode = cpu.codeBits | (cpu.cpl == 3 ? USER : cpu.cpl == 0 ? CPL0 : 0) | cpu.mmu.selected() << TLB_SHIFT
                | units(cpu);
        if (cpu.codeBits == 64) {
            return mode;
        }
        mode |= !cpu.protectedMode() ? REAL : cpu.virtual8086() ? V86 : 0;
        mode |= cpu.stackMask == 0xffff_ffffL ? WIDE_STACK : 0;
        mode |= cpu.codeBits == 32 ? data(cpu) : 0;
        return mode | cpu.segments.code().number() << COMMON_BITS;
    }

    /** Data segments that are all of memory, and which of these begin at 0. 16-bit code finds all kinds, one after the other. */
    private static int data(X86Cpu cpu) {
        int whole = cpu.segments.shape() & 0x3f;
        int bases = 0;
        for (int n = Segment.ES; n < Segment.FS; n++) {
            bases |= (whole >>> n & 1) != 0 && cpu.segments.base(n) == 0 ? 1 << n : 0;
        }
        return whole << SHAPE_SHIFT | bases << BASES_SHIFT;
    }

    /** Which units the host may use: they are enabled, and all their exceptions masked, so that none is raised or pending. */
    private static int units(X86Cpu cpu) {
        if ((cpu.control(0) & (Control.CR0_EM | Control.CR0_TS)) != 0) {
            return 0;
        }
        boolean vectors = (cpu.control(4) & Control.CR4_OSFXSR) != 0 && (~getInt(cpu.st + CpuState.MXCSR) & MXCSR_MASKS) == 0;
        return ((~getShort(cpu.st + CpuState.FCW) & X87_MASKS) == 0 ? X87 : 0)
                | (vectors ? VECTORS | (isAvxEnabled(cpu) ? AVX : 0) : 0);
    }

    /** SDM vol. 1, section 14.3. */
    private static boolean isAvxEnabled(X86Cpu cpu) {
        return cpu.protectedMode() && !cpu.virtual8086() && (cpu.control(4) & Control.CR4_OSXSAVE) != 0
                && (getLong(cpu.st + CpuState.XCR0) & XCR0_AVX) == XCR0_AVX;
    }

    /** Code size: 16, 32 or 64. */
    public int codeBits() {
        return (int) bits & CODE_SIZE;
    }

    /** Whether this is 64-bit mode. */
    public boolean is64() {
        return codeBits() == 64;
    }

    /** Cuts a linear address of code to what there is: 4 GiB outside 64-bit mode. */
    public long wrap(long linear) {
        return is64() ? linear : linear & 0xffff_ffffL;
    }

    /** Cuts an offset in the code segment to the code size. */
    public long wrapOffset(long offset) {
        return codeBits() == 16 ? offset & 0xffff : wrap(offset);
    }

    /** Which TLB data accesses and fetches go through. */
    public int tlb() {
        return (int) bits >>> TLB_SHIFT & 3;
    }

    /** Whether SSE instructions may be executed by the host: enabled, and all their exceptions masked. */
    public boolean vectors() {
        return (bits & VECTORS) != 0;
    }

    /** Whether the privilege level is 0. */
    public boolean kernel() {
        return (bits & CPL0) != 0;
    }

    /** Whether AVX instructions may be executed by the host too. */
    public boolean avx() {
        return (bits & AVX) != 0;
    }

    /** Whether x87 and MMX instructions may be executed by the host: enabled, and all their exceptions masked. */
    public boolean x87() {
        return (bits & X87) != 0;
    }

    /** The mode of 64-bit code that a system call, or a return from one, leads to from here: RFLAGS.AC is zero there. */
    public CodeMode of64(boolean user) {
        long units = bits & (VECTORS | AVX | X87);
        return new CodeMode(64 | (user ? USER : CPL0) | units | (user ? (long) Mmu.USER : Mmu.SUPERVISOR) << TLB_SHIFT);
    }

    /** The mode of the same code with another TLB: after RFLAGS.AC changed at CPL 0, where that overrides CR4.SMAP. */
    public CodeMode overriding(boolean override) {
        return new CodeMode(bits & ~(3L << TLB_SHIFT) | (override ? (long) Mmu.OVERRIDE : Mmu.SUPERVISOR) << TLB_SHIFT);
    }

    /** The number of the code segment. */
    public long segment() {
        return bits >>> COMMON_BITS;
    }

    /** Whether this is real or virtual-8086 mode, where a segment's base is 16 times its selector. */
    public boolean paragraphs() {
        return (bits & (REAL | V86)) != 0;
    }

    /** Whether this is real mode. */
    public boolean real() {
        return (bits & REAL) != 0;
    }

    /** Whether this is virtual-8086 mode. */
    public boolean virtual8086() {
        return (bits & V86) != 0;
    }

    /** Whether {@code segment} is known to be all of memory, or to begin somewhere but to have no limit below 4 GiB. */
    public boolean whole(int segment) {
        return is64() || (bits >>> SHAPE_SHIFT + segment & 1) != 0;
    }

    /** Whether {@code segment} is known to begin at 0. */
    public boolean zeroBase(int segment) {
        return segment < Segment.FS && (is64() || (bits >>> BASES_SHIFT + segment & 1) != 0);
    }

    /** Whether the stack pointer is ESP outside 64-bit mode, not SP. */
    public boolean wideStack() {
        return (bits & WIDE_STACK) != 0;
    }
}
