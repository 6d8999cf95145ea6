package org.jkvm.x86.exec;

import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.getShort;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Segment;

/**
 * What decoded and translated code takes for granted beside its bytes. Code of another mode is another block.
 *
 * @param bits code size: 16, 32 or 64, with bit 0 set at CPL 3, bit 22 at CPL 0; TLB from bit 7;
 *             vectors in bits 9 and 21, x87 in 23; segments from bit 10
 */
public record CodeMode(int bits) {
    private static final int CODE_SIZE = 0x70;
    private static final int USER = 1;
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

    /** The mode's number from the processor's state. */
    public static int of(X86Cpu cpu) {
        int mode = cpu.codeBits | (cpu.cpl == 3 ? USER : cpu.cpl == 0 ? CPL0 : 0) | cpu.mmu.selected() << TLB_SHIFT
                | units(cpu);
        if (cpu.codeBits == 64) {
            return mode;
        }
        int shape = cpu.segments.shape();
        return mode | (shape & 0x3f) << SHAPE_SHIFT | (shape >>> 8 & 15) << BASES_SHIFT
                | (cpu.stackMask == 0xffff_ffffL ? WIDE_STACK : 0);
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
        return cpu.protectedMode() && (cpu.control(4) & Control.CR4_OSXSAVE) != 0
                && (getLong(cpu.st + CpuState.XCR0) & XCR0_AVX) == XCR0_AVX;
    }

    /** Code size: 16, 32 or 64. */
    public int codeBits() {
        return bits & CODE_SIZE;
    }

    /** Whether this is 64-bit mode. */
    public boolean is64() {
        return codeBits() == 64;
    }

    /** Cuts a linear address of code to what there is: 4 GiB outside 64-bit mode. */
    public long wrap(long linear) {
        return is64() ? linear : linear & 0xffff_ffffL;
    }

    /** Which TLB data accesses and fetches go through. */
    public int tlb() {
        return bits >>> TLB_SHIFT & 3;
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

    /** Whether code can be translated at all: its segment starts at 0 and has no limit. */
    public boolean translatable() {
        return is64() || codeBits() == 32 && whole(Segment.CS) && zeroBase(Segment.CS);
    }

    /** Whether {@code segment} is all of memory, or begins somewhere but has no limit below 4 GiB. */
    public boolean whole(int segment) {
        return is64() || (bits >>> SHAPE_SHIFT + segment & 1) != 0;
    }

    /** Whether {@code segment} begins at 0. */
    public boolean zeroBase(int segment) {
        return segment < Segment.FS && (is64() || (bits >>> BASES_SHIFT + segment & 1) != 0);
    }

    /** Whether pushes and pops can be translated. */
    public boolean plainStack() {
        return is64() || (bits & WIDE_STACK) != 0 && whole(Segment.SS) && zeroBase(Segment.SS);
    }
}
