package org.jkvm.x86.isa;

import org.jkvm.x86.state.CpuState;

/**
 * One decoded instruction. Register operands are offsets in {@link CpuState}, so that reading one is one load; absent
 * base and index registers are the offset of a zero. Written by the {@link Decoder} alone, then shared and constant. A guest
 * has a million of them: fields are as narrow as what they hold.
 */
public final class Insn {
    /** Operand location: in memory. */
    public static final int MEM = -1;
    /** Operand location: the immediate. */
    public static final int IMM = -2;
    /** Operand location: none, or implied by the instruction. */
    public static final int NONE = -3;

    /** What it does. */
    public Handler handler;
    /** Its row in the opcode tables. */
    public Row row;
    /** First operand: offset in {@link CpuState}, or {@link #MEM}, {@link #IMM}, {@link #NONE}. */
    public short dst = NONE;
    /** Second operand, likewise. */
    public short src = NONE;
    /** Third operand, likewise. */
    public short src2 = NONE;
    /** Fourth operand, likewise. */
    public short src3 = NONE;
    /** Bytes of the first operand. */
    public short dstSize;
    /** Bytes of the second operand. */
    public short srcSize;
    /** Bytes of the third operand. */
    public short src2Size;
    /** Offset in {@link CpuState} of the base register of the memory operand. */
    public short base = CpuState.ZERO;
    /** Offset in {@link CpuState} of its index register. */
    public short index = CpuState.ZERO;
    /** Offset in {@link CpuState} of the vector register that holds indices (VSIB), or {@link #NONE}. */
    public short vsib = NONE;
    /** Shift of the index: 0 to 3. */
    public byte scale;
    /** Displacement, sign-extended; RIP-relative ones count from the block's start. */
    public long disp;
    /** What the effective address is masked with: 16, 32 or 64 ones. */
    public long addressMask;
    /** Number of the segment register of the memory operand. */
    public byte segment;
    /** Offset in {@link CpuState} of the segment base to add in 64-bit mode. */
    public short segmentBase = CpuState.ZERO;
    /** First immediate, sign- or zero-extended as the operand code says; branch displacement; far offset. */
    public long imm;
    /** Second immediate: ENTER's level, a far pointer's selector. */
    public int imm2;
    /** Effective operand size in bytes: 2, 4 or 8. */
    public byte operandSize;
    /** Effective address size in bytes: 2, 4 or 8. */
    public byte addressSize;
    /** The low 4 bits of the opcode: condition code. */
    public byte condition;
    /** The ModRM byte, or -1. */
    public short modrm = -1;
    /** Offset of its first byte from the block's start. */
    public short start;
    /** Offset of the byte after it from the block's start: what RIP is while it executes. */
    public short end;
    /** LOCK prefix. */
    public boolean lock;
    /** Last REP prefix, or what VEX.pp stands for: 0, F2h or F3h. */
    public short rep;
    /** REX prefix, or its like in a VEX prefix, or 0. */
    public byte rex;
    /**
     * Bytes of the VEX prefix, 2 or 3, or 0 without one. Its R, X and B are in {@link #rex}, like W in 64-bit mode; its map
     * and pp are {@link Row#map} and {@link Row#mandatoryPrefix}; the opcode byte is {@link Row#code}.
     */
    public byte vex;
    /** VEX.L: 256 bits. */
    public boolean vexL;
    /** VEX.W, which outside 64-bit mode selects rows but no operand size. */
    public boolean vexW;
    /** VEX.vvvv as a register's number, 0 to 15, 0 where no operand is it. */
    public byte vvvv;
    /** An operand-size prefix was there, or VEX.pp stands for it. */
    public boolean prefix66;
    /** Decoded for 64-bit mode. */
    public boolean bits64;
    /** Has a RIP-relative memory operand. */
    public boolean ripRelative;
    /** Number of the base register or -1, for disassembly. */
    public byte baseNumber = -1;
    /** Number of the index register, general or vector, or -1; for disassembly. */
    public byte indexNumber = -1;
    /** A segment override prefix's register, or -1. */
    public byte override = -1;

    /** Whether all that the decoder found is the same; for the handler the row and all this decide. */
    public boolean isLike(Insn other) {
        return row == other.row && hasSameOperands(other) && hasSameAddress(other) && hasSamePrefixes(other)
                && start == other.start && end == other.end && modrm == other.modrm && condition == other.condition;
    }

    private boolean hasSameOperands(Insn other) {
        return dst == other.dst && src == other.src && src2 == other.src2 && src3 == other.src3
                && dstSize == other.dstSize && srcSize == other.srcSize && src2Size == other.src2Size
                && imm == other.imm && imm2 == other.imm2 && operandSize == other.operandSize && vvvv == other.vvvv;
    }

    private boolean hasSameAddress(Insn other) {
        return base == other.base && index == other.index && vsib == other.vsib && scale == other.scale && disp == other.disp
                && addressSize == other.addressSize && segment == other.segment && segmentBase == other.segmentBase
                && ripRelative == other.ripRelative;
    }

    private boolean hasSamePrefixes(Insn other) {
        return lock == other.lock && rep == other.rep && rex == other.rex && prefix66 == other.prefix66
                && override == other.override && bits64 == other.bits64 && vex == other.vex && vexL == other.vexL
                && vexW == other.vexW;
    }

    /** Length in bytes, 1 to 15. */
    public int length() {
        return end - start;
    }

    /** ModRM.reg without REX. */
    public int reg() {
        return modrm >>> 3 & 7;
    }

    /** ModRM.rm without REX. */
    public int rm() {
        return modrm & 7;
    }

    /** Whether the ModRM operand is memory. */
    public boolean memory() {
        return modrm >= 0 && modrm < 0xc0;
    }
}
