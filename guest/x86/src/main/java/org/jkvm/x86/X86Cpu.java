package org.jkvm.x86;

import static org.jkvm.linux.RawMemory.getByte;
import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.getShort;
import static org.jkvm.linux.RawMemory.putByte;
import static org.jkvm.linux.RawMemory.putInt;
import static org.jkvm.linux.RawMemory.putLong;
import static org.jkvm.linux.RawMemory.putShort;

import org.jkvm.linux.RawMemory;
import org.jkvm.x86.cpuid.CpuidTable;
import org.jkvm.x86.exec.sse.SseUnit;
import org.jkvm.x86.exec.x87.X87State;
import org.jkvm.x86.exec.x87.X87Unit;
import org.jkvm.x86.isa.Feature;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;
import org.jkvm.x86.trap.Debug;
import org.jkvm.x86.trap.Interrupts;
import org.jkvm.x86.trap.Segments;

/**
 * One x86 processor: the native struct ({@link CpuState}), the arithmetic flags, and the units around them. What an
 * instruction's handler works on. Owned by the vCPU's thread; only {@link #request} may come from others.
 *
 * <p>The six arithmetic flags are kept lazily, as what they derive from: {@code flagResult}, the result sign-extended to
 * 64 bits (ZF, SF, PF); {@code flagCarry}, the carries out of each bit, moved up so that bit 63 is the carry out of the
 * operand's top bit (CF) and bit 62 the carry into it (OF is their difference); {@code flagAux}, AF in bit 4, and in bits
 * 16 and 15:8 what to flip in SF and in the parity byte so that any combination of flags can be held.
 */
public final class X86Cpu {
    private static final int AUX_SIGN = 1 << 16;

    /** Address of the native struct. */
    // SAFETY: whoever made this processor keeps CpuState.SIZE + Mmu.TLB_SIZE bytes mapped here for as long as it is used;
    // offsets are constants of CpuState, or come from the decoder, which makes them of register numbers of 0 to 15.
    public final long st;
    /** Memory as the processor sees it. */
    public final Mmu mmu;
    /** Segment registers and descriptor tables. */
    public final Segments segments;
    /** Interrupt and exception delivery. */
    public final Interrupts interrupts;
    /** Breakpoints and single step. */
    public final Debug debug;
    /** Model-specific registers. */
    public final Msrs msrs;
    /** The x87 unit. */
    public final X87Unit x87;
    /** The environment of SSE arithmetic. */
    public final SseUnit sse = new SseUnit();
    /** One 128-bit lane of a vector instruction as an instruction of its own; for those who execute it. */
    public final Insn lane = new Insn();
    /** What CPUID answers. */
    public final CpuidTable cpuid;
    /** The pins. */
    public final X86Bus bus;

    /** What ZF, SF and PF derive from. */
    public long flagResult;
    /** What CF and OF derive from. */
    public long flagCarry;
    /** AF, and corrections to SF and PF. */
    public long flagAux;
    /** Where the next block begins; branches set it. */
    public long rip;
    /** Current privilege level, 0 to 3. */
    public int cpl;
    /** Code size: 16, 32 or 64. */
    public int codeBits = 16;
    /** What RSP is masked with: the stack's width. */
    public long stackMask = 0xffff;
    /** Interrupts wait until after the next instruction (after STI, MOV SS, POP SS). */
    public boolean interruptShadow;
    /** The shadow also holds back debug exceptions (after MOV SS, POP SS). */
    public boolean stackShadow;
    /** NMIs wait until IRET. */
    public boolean nmiBlocked;
    /** Waiting in HLT. */
    public boolean halted;
    /** The loop must leave the block after this instruction. */
    public boolean leaveBlock;
    /** Instructions executed. */
    public long instructions;

    private final GuestFault fault = new GuestFault();

    /**
     * Makes a processor around a native struct of {@link CpuState#SIZE} + {@link Mmu#TLB_SIZE} zeroed bytes that outlives
     * it.
     */
    public X86Cpu(long struct, X86Bus bus, CpuidTable cpuid) {
        this.st = struct;
        this.bus = bus;
        this.cpuid = cpuid;
        this.mmu = new Mmu(this, struct + CpuState.SIZE);
        this.segments = new Segments(this);
        this.interrupts = new Interrupts(this);
        this.debug = new Debug(this);
        this.msrs = new Msrs(this);
        this.x87 = new X87Unit(new X87State(struct + CpuState.X87));
    }

    // ---- reset ----

    /** Power-on and RESET (SDM vol. 3A, table 9-1). */
    public void reset() {
        msrs.reset();
        for (int at = 0; at < 16 * CpuState.VECTOR_SIZE; at += 8) {
            putLong(st + CpuState.VECTORS + at, 0);
        }
        for (int at = 0; at < 8 * 16; at += 8) {
            putLong(st + CpuState.X87 + at, 0);
        }
        x87.state().reset();
        putInt(st + CpuState.MXCSR, 0x1f80);
        msrs.setXcr0(1);
        init();
    }

    /** INIT: as reset, but FPU, SSE state and MSRs stay (SDM vol. 3A, table 9-1). */
    public void init() {
        for (int n = 0; n < 16; n++) {
            setGeneral(n, 0);
        }
        setGeneral(2, cpuid.query(1, 0, 0, 0)[0] & 0xffff_ffffL);
        msrs.storeEfer(0);
        storeControl(0, Control.CR0_CD | Control.CR0_NW | Control.CR0_ET);
        storeControl(2, 0);
        storeControl(3, 0);
        storeControl(4, 0);
        cpl = 0;
        setRflags(Rflags.RESERVED_ONE);
        segments.reset();
        debug.reset();
        rip = 0xfff0;
        halted = false;
        interruptShadow = false;
        stackShadow = false;
        nmiBlocked = false;
        mmu.flushAll();
        mmu.selectTlb();
    }

    /** Begins where a start-up IPI says: real mode at {@code vector << 12}. */
    public void startAt(int vector) {
        segments.set(Segment.CS, vector << 8, (long) vector << 12, 0xffff, Segments.REAL_CODE);
        rip = 0;
    }

    // ---- registers ----

    /** Reads {@code size} bytes of the register at {@code offset}, zero-extended. */
    public long reg(int offset, int size) {
        return switch (size) {
            case 4 -> getInt(st + offset) & 0xffff_ffffL;
            case 8 -> getLong(st + offset);
            case 1 -> getByte(st + offset);
            default -> getShort(st + offset);
        };
    }

    /** Writes the register at {@code offset}; 4 bytes clear the upper half (SDM vol. 1, section 3.4.1.1). */
    public void setReg(int offset, int size, long value) {
        switch (size) {
            case 4 -> putLong(st + offset, value & 0xffff_ffffL);
            case 8 -> putLong(st + offset, value);
            case 1 -> putByte(st + offset, (int) value);
            default -> putShort(st + offset, (int) value);
        }
    }

    /** Reads all 64 bits of general register {@code number}. */
    public long general(int number) {
        return getLong(st + CpuState.GENERAL + 8 * number);
    }

    /** Reads the 64 bits of the native struct at {@code offset}: a segment base, or the zero. */
    public long field(int offset) {
        return getLong(st + offset);
    }

    /** Writes all 64 bits of general register {@code number}. */
    public void setGeneral(int number, long value) {
        putLong(st + CpuState.GENERAL + 8 * number, value);
    }

    /** Reads CR {@code number}: 0, 2, 3 or 4. */
    public long control(int number) {
        return getLong(st + CpuState.CONTROL + 8 * number);
    }

    /** Stores CR {@code number} without any of its effects. */
    public void storeControl(int number, long value) {
        putLong(st + CpuState.CONTROL + 8 * number, value);
    }

    /** Whether CR0.PE is one. */
    public boolean protectedMode() {
        return (control(0) & Control.CR0_PE) != 0;
    }

    /** Whether EFER.LMA is one. */
    public boolean longMode() {
        return (msrs.efer() & Control.EFER_LMA) != 0;
    }

    /** Whether the processor runs virtual-8086 code. */
    public boolean virtual8086() {
        return (systemFlags() & Rflags.VM) != 0;
    }

    // ---- operands ----

    /** The effective address of the memory operand. */
    public long effective(Insn i) {
        return getLong(st + i.base) + (getLong(st + i.index) << i.scale) + i.disp & i.addressMask;
    }

    /** The linear address of the memory operand for reading {@code size} bytes; checks the segment. */
    public long linearRead(Insn i, int size) {
        long offset = effective(i);
        return i.bits64 ? offset + getLong(st + i.segmentBase) : segments.linear(i.segment, offset, size, false);
    }

    /** The linear address of the memory operand for writing {@code size} bytes; checks the segment. */
    public long linearWrite(Insn i, int size) {
        long offset = effective(i);
        return i.bits64 ? offset + getLong(st + i.segmentBase) : segments.linear(i.segment, offset, size, true);
    }

    /** The linear address of {@code offset} in segment {@code segment}; checks the segment. */
    public long linear(int segment, long offset, int size, boolean write) {
        if (codeBits == 64) {
            if (segment == Segment.SS && offset << 16 >> 16 != offset) {
                throw fault(Vector.SS, 0);
            }
            return segment >= Segment.FS ? offset + getLong(st + CpuState.segment(segment)) : offset;
        }
        return segments.linear(segment, offset, size, write);
    }

    /** Reads the memory operand. */
    public long load(Insn i, int size) {
        return mmu.load(linearRead(i, size), size);
    }

    /** Writes the memory operand. */
    public void store(Insn i, int size, long value) {
        mmu.store(linearWrite(i, size), size, value);
    }

    /** Reads the first operand. */
    public long dst(Insn i) {
        return i.dst >= 0 ? reg(i.dst, i.dstSize) : load(i, i.dstSize);
    }

    /** Reads the second operand: register, memory or immediate. */
    public long src(Insn i) {
        return i.src >= 0 ? reg(i.src, i.srcSize) : i.src == Insn.MEM ? load(i, i.srcSize) : i.imm;
    }

    /** Reads the third operand: register, memory or immediate. */
    public long src2(Insn i) {
        return i.src2 >= 0 ? reg(i.src2, i.src2Size) : i.src2 == Insn.MEM ? load(i, i.src2Size) : i.imm;
    }

    /** Writes the first operand. */
    public void setDst(Insn i, long value) {
        if (i.dst >= 0) {
            setReg(i.dst, i.dstSize, value);
        } else {
            store(i, i.dstSize, value);
        }
    }

    // ---- stack ----

    /** The stack pointer, masked to the stack's width. */
    public long stackPointer() {
        return general(4) & stackMask;
    }

    /** Sets the stack pointer's low bits, as many as the stack is wide. */
    public void setStackPointer(long value) {
        long mask = stackMask;
        setGeneral(4, mask == 0xffff ? general(4) & ~mask | value & mask : value & mask);
    }

    /** Pushes {@code size} bytes. */
    public void push(int size, long value) {
        long sp = stackPointer() - size & stackMask;
        mmu.store(linear(Segment.SS, sp, size, true), size, value);
        setStackPointer(sp);
    }

    /** Reads {@code size} bytes at {@code depth} bytes above the stack pointer, which stays. */
    public long peek(int size, long depth) {
        return mmu.load(linear(Segment.SS, stackPointer() + depth & stackMask, size, false), size);
    }

    /** Pops {@code size} bytes. */
    public long pop(int size) {
        long value = peek(size, 0);
        setStackPointer(stackPointer() + size);
        return value;
    }

    // ---- flags ----

    /** Carry. */
    public boolean cf() {
        return flagCarry < 0;
    }

    /** Overflow. */
    public boolean of() {
        return (flagCarry ^ flagCarry << 1) < 0;
    }

    /** Zero. */
    public boolean zf() {
        return flagResult == 0;
    }

    /** Sign. */
    public boolean sf() {
        return (flagResult ^ flagAux << 47) < 0;
    }

    /** Parity: even number of ones in the result's low byte. */
    public boolean pf() {
        return (Integer.bitCount((int) (flagResult ^ flagAux >>> 8) & 0xff) & 1) == 0;
    }

    /** Auxiliary carry. */
    public boolean af() {
        return (flagAux & Rflags.AF) != 0;
    }

    /** Sets CF and OF, leaving the others. */
    public void setCarryOverflow(boolean cf, boolean of) {
        flagCarry = (cf ? 1L << 63 : 0) | (cf != of ? 1L << 62 : 0);
    }

    /** Sets CF alone. */
    public void setCf(boolean cf) {
        setCarryOverflow(cf, of());
    }

    /** Flags of a logical result of {@code size} bytes: CF and OF clear, AF clear. */
    public void setLogicFlags(long result, int size) {
        int shift = 64 - 8 * size;
        flagResult = result << shift >> shift;
        flagCarry = 0;
        flagAux = 0;
    }

    /** The six arithmetic flags as bits of RFLAGS. */
    public int arithmeticFlags() {
        return (cf() ? Rflags.CF : 0) | (pf() ? Rflags.PF : 0) | (af() ? Rflags.AF : 0) | (zf() ? Rflags.ZF : 0)
                | (sf() ? Rflags.SF : 0) | (of() ? Rflags.OF : 0);
    }

    /** Sets the six arithmetic flags from bits of RFLAGS. */
    public void setArithmeticFlags(long flags) {
        boolean zero = (flags & Rflags.ZF) != 0;
        boolean sign = (flags & Rflags.SF) != 0;
        boolean parity = (flags & Rflags.PF) != 0;
        flagResult = zero ? 0 : 1;
        flagAux = flags & Rflags.AF | (sign ? AUX_SIGN : 0) | (parity == zero ? 0 : 1 << 8);
        setCarryOverflow((flags & Rflags.CF) != 0, (flags & Rflags.OF) != 0);
    }

    /** RFLAGS but for the arithmetic flags. */
    public long systemFlags() {
        return getLong(st + CpuState.RFLAGS);
    }

    /** RFLAGS. */
    public long rflags() {
        return systemFlags() & ~Rflags.ARITHMETIC | arithmeticFlags() | Rflags.RESERVED_ONE;
    }

    /** Sets RFLAGS and what hangs on it: CPL in virtual-8086 mode is the segments' business. */
    public void setRflags(long value) {
        long old = systemFlags();
        putLong(st + CpuState.RFLAGS, value & Rflags.ALL & ~Rflags.ARITHMETIC | Rflags.RESERVED_ONE);
        setArithmeticFlags(value);
        if (((old ^ value) & (Rflags.AC | Rflags.VM)) != 0) {
            mmu.selectTlb();
        }
        if (((old | value) & (Rflags.IF | Rflags.TF)) != 0) {
            leaveBlock = true;
        }
    }

    /** Whether the flag {@code mask} (not an arithmetic one) is set. */
    public boolean flag(int mask) {
        return (systemFlags() & mask) != 0;
    }

    /** Sets or clears one system flag without side effects. */
    public void setFlag(int mask, boolean on) {
        long flags = systemFlags();
        putLong(st + CpuState.RFLAGS, on ? flags | mask : flags & ~mask);
    }

    /** Evaluates condition code {@code code} (SDM vol. 1, appendix B). */
    public boolean condition(int code) {
        boolean holds = switch (code >>> 1) {
            case 0 -> of();
            case 1 -> cf();
            case 2 -> zf();
            case 3 -> cf() || zf();
            case 4 -> sf();
            case 5 -> pf();
            case 6 -> sf() != of();
            default -> zf() || sf() != of();
        };
        return holds == ((code & 1) == 0);
    }

    // ---- faults and requests ----

    /** An exception without an error code, to be thrown. */
    public GuestFault fault(int vector) {
        return fault.with(vector, Vector.hasErrorCode(vector) ? 0 : GuestFault.NO_ERROR_CODE, false);
    }

    /** An exception with an error code, to be thrown. */
    public GuestFault fault(int vector, int errorCode) {
        return fault.with(vector, errorCode, false);
    }

    /** #GP(0) for a non-canonical address, to be thrown. */
    public GuestFault nonCanonical() {
        return fault.with(Vector.GP, 0, true);
    }

    /** Throws #GP(0) unless CPL is 0. */
    public void requirePrivilege() {
        if (cpl != 0) {
            throw fault(Vector.GP, 0);
        }
    }

    /** #UD where CPUID does not say that the processor has {@code feature}. */
    public void require(Feature feature) {
        if (!cpuid.has(feature)) {
            throw fault(Vector.UD);
        }
    }

    /** Asks something of this processor; bits of {@link org.jkvm.x86.state.Request}. From any thread. */
    public void request(int bits) {
        RawMemory.orInt(st + CpuState.REQUESTS, bits);
        RawMemory.putIntVolatile(st + CpuState.RUN, 0);
    }

    /** Lets generated code run until the next request, or its next look where one of {@code attention} is there already. */
    public void allowRun(int attention) {
        RawMemory.putIntVolatile(st + CpuState.RUN, 1);
        if ((requests() & attention) != 0) {
            RawMemory.putIntVolatile(st + CpuState.RUN, 0);
        }
    }

    /** Takes back requests. */
    public void clearRequest(int bits) {
        RawMemory.clearInt(st + CpuState.REQUESTS, bits);
    }

    /** What is asked for now. */
    public int requests() {
        return RawMemory.getIntVolatile(st + CpuState.REQUESTS);
    }
}
