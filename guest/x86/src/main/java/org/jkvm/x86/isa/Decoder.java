package org.jkvm.x86.isa;

import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Segment;

/**
 * Turns instruction bytes into an {@link Insn} (SDM vol. 2A, chapter 2). One decoder a thread.
 *
 * <p>{@link #decode} answers with a status: the instruction is complete; more bytes are needed; there is no such
 * instruction; or it is longer than 15 bytes.
 */
public final class Decoder {
    /** Longest instruction (SDM vol. 2A, section 2.3.11). */
    public static final int MAX_LENGTH = 15;

    /** What became of the bytes. */
    public enum Status {
        /** A valid instruction. */
        OK,
        /** The bytes given end inside the instruction. */
        TRUNCATED,
        /** #UD. */
        UNDEFINED,
        /** #GP: more than 15 bytes. */
        TOO_LONG
    }

    /** VZEROUPPER and VZEROALL: without ModRM, alone among VEX-encoded instructions. */
    private static final int VZEROUPPER = 0x77;
    /** ModRM.rm of a SIB byte. */
    private static final int SIB = 4;

    private final OpcodeTable table;
    private final long features;
    private byte[] code;
    private int first;
    private int at;
    private int limit;
    private boolean truncated;
    private int bits;
    private Insn insn;
    private boolean prefix67;

    /** A decoder for a processor with {@code features}, a mask of {@link Feature#bit()}. */
    public Decoder(OpcodeTable table, long features) {
        this.table = table;
        this.features = features;
    }

    /**
     * Decodes one instruction.
     *
     * @param bytes  holds it
     * @param start  its first byte's index
     * @param end    index after the last byte that may be looked at
     * @param mode   16, 32 or 64
     * @param result filled in; {@code result.start} must be set; its {@code end} is set even where undefined
     */
    public Status decode(byte[] bytes, int start, int end, int mode, Insn result) {
        code = bytes;
        first = start;
        at = start;
        limit = Math.min(end, start + MAX_LENGTH);
        truncated = false;
        bits = mode;
        insn = result;
        insn.bits64 = mode == 64;
        Row row = instruction();
        result.end = (short) (result.start + (at - start));
        if (truncated) {
            return end - start >= MAX_LENGTH ? Status.TOO_LONG : Status.TRUNCATED;
        }
        return row != null && lockAllowed(row) ? Status.OK : Status.UNDEFINED;
    }

    private boolean lockAllowed(Row row) {
        return !insn.lock || row.isLockable() && insn.dst == Insn.MEM;
    }

    private Row instruction() {
        int opcode = prefixes();
        if ((opcode == 0xc4 || opcode == 0xc5) && beginsVex()) {
            return vexInstruction(opcode == 0xc4);
        }
        int map = 0;
        if (opcode == 0x0f) {
            opcode = next();
            map = 1;
            if (opcode == 0x38 || opcode == 0x3a) {
                map = opcode == 0x38 ? 2 : 3;
                opcode = next();
            }
        }
        boolean modrm = table.mayHaveModrm(map, opcode);
        int peeked = modrm ? peek() : 0;
        if (truncated) {
            return null;
        }
        insn.condition = (byte) (opcode & 15);
        Row row = table.find(map, opcode, peeked, insn.rep, insn.prefix66, insn.bits64, features);
        if (row == null) {
            at += modrm ? 1 : 0;
        }
        return use(row, opcode);
    }

    /** Fills in what {@code row} says, unless there is none. */
    private Row use(Row row, int opcode) {
        insn.row = row;
        if (row != null) {
            insn.handler = row.handler();
            operands(row, opcode);
        }
        return row;
    }

    // ---- VEX (SDM vol. 2A, section 2.3) ----

    /** Outside 64-bit mode C4h and C5h are LES and LDS, unless what follows would name a register of these. */
    private boolean beginsVex() {
        return bits == 64 || peek() >= 0xc0;
    }

    private Row vexInstruction(boolean threeBytes) {
        boolean prefixed = insn.prefix66 || insn.rep != 0 || insn.lock || insn.rex != 0;
        int map = vexPrefix(threeBytes);
        int opcode = next();
        int modrm = opcode == VZEROUPPER && map == 1 ? 0 : peek();
        if (truncated || prefixed || map == 0 || map > 3) {
            return null; // Prefixes that VEX stands for must not precede it (section 2.3.2).
        }
        int prefix = insn.prefix66 ? 0x66 : insn.rep;
        Row row = table.findVex(map, opcode, modrm, prefix, insn.vexL ? 1 : 0, insn.vexW ? 1 : 0, insn.bits64, features);
        boolean valid = row != null && (row.usesVvvv() || insn.vvvv == 0) && (!row.isVsib() || (modrm & 7) == SIB);
        insn.vvvv &= (byte) (bits == 64 ? 15 : 7);
        return use(valid ? row : null, opcode) != null && !(row.isVsib() && insn.addressSize == 2) ? row : null;
    }

    /** Reads the rest of a VEX prefix; returns the opcode map. */
    private int vexPrefix(boolean threeBytes) {
        int first = next();
        int last = threeBytes ? next() : first & 0x7f;
        insn.vex = (byte) (threeBytes ? 3 : 2);
        insn.vexW = (last & 0x80) != 0;
        insn.vexL = (last & 4) != 0;
        insn.vvvv = (byte) (~last >>> 3 & 15);
        insn.prefix66 = (last & 3) == 1;
        insn.rep = (short) ((last & 3) == 2 ? 0xf3 : (last & 3) == 3 ? 0xf2 : 0);
        if (bits == 64) {
            int rxb = threeBytes ? ~first >>> 5 & 7 : ~first >>> 5 & 4;
            insn.rex = (byte) (0x40 | (insn.vexW ? 8 : 0) | rxb);
        }
        return threeBytes ? first & 0x1f : 1;
    }

    private int prefixes() {
        prefix67 = false;
        for (;;) {
            int b = next();
            if (bits == 64 && (b & 0xf0) == 0x40 && !truncated) {
                insn.rex = (byte) b;
                continue;
            }
            if (truncated || !prefix(b)) {
                return b;
            }
            insn.rex = 0; // REX counts only right before the opcode (SDM vol. 2A, section 2.2.1).
        }
    }

    private boolean prefix(int b) {
        switch (b) {
            case 0x66 -> insn.prefix66 = true;
            case 0x67 -> prefix67 = true;
            case 0xf0 -> insn.lock = true;
            case 0xf2, 0xf3 -> insn.rep = (short) b;
            case 0x26 -> override(Segment.ES);
            case 0x2e -> override(Segment.CS);
            case 0x36 -> override(Segment.SS);
            case 0x3e -> override(Segment.DS);
            case 0x64 -> override(Segment.FS);
            case 0x65 -> override(Segment.GS);
            default -> {
                return false;
            }
        }
        return true;
    }

    /** In 64-bit mode CS, DS, ES and SS overrides are ignored (SDM vol. 1, section 3.3.7.1). */
    private void override(int segment) {
        if (bits != 64 || segment >= Segment.FS) {
            insn.override = (byte) segment;
        }
    }

    private void operands(Row row, int opcode) {
        insn.operandSize = (byte) operandSize(row);
        insn.addressSize = (byte) (bits == 64 ? prefix67 ? 4 : 8 : bits == 32 == prefix67 ? 2 : 4);
        insn.addressMask = insn.addressSize == 8 ? -1L : insn.addressSize == 4 ? 0xffff_ffffL : 0xffffL;
        useSegment(Segment.DS);
        if (row.hasModrm()) {
            insn.modrm = (short) next();
            if (insn.modrm < 0xc0 && !controlRegister(row)) {
                memoryOperand();
            }
        }
        for (int position = 0; position < row.operands().size(); position++) {
            place(row.operands().get(position), position, opcode);
        }
        if (insn.ripRelative) {
            insn.disp += insn.start + (at - first); // RIP is that of the next instruction (SDM vol. 2A, 2.2.1.6).
        }
    }

    private int operandSize(Row row) {
        boolean narrow = insn.prefix66 && row.prefix != 0x66;
        if (bits != 64) {
            return bits == 32 == narrow ? 2 : 4;
        }
        return switch (row.mode()) {
            case F64 -> 8;
            case D64 -> (insn.rex & 8) != 0 || !narrow ? 8 : 2;
            case ANY, I64, O64 -> (insn.rex & 8) != 0 ? 8 : narrow ? 2 : 4;
        };
    }

    /** MOV to and from control and debug registers ignores ModRM.mod (SDM vol. 2B, MOV—Move to/from Control Registers). */
    private static boolean controlRegister(Row row) {
        return row.map == 1 && row.code >= 0x20 && row.code <= 0x23;
    }

    private void place(Operand operand, int position, int opcode) {
        short size = (short) operand.size(insn.operandSize, (insn.rex & 8) != 0, insn.vexL);
        short where = (short) locate(operand, size, opcode);
        switch (position) {
            case 0 -> {
                insn.dst = where;
                insn.dstSize = size;
            }
            case 1 -> {
                insn.src = where;
                insn.srcSize = size;
            }
            case 2 -> {
                insn.src2 = where;
                insn.src2Size = size;
            }
            default -> insn.src3 = where;
        }
    }

    private int locate(Operand operand, int size, int opcode) {
        boolean rex = insn.rex != 0;
        return switch (operand.method()) {
            case 'R' -> CpuState.general(extended(insn.rm(), 1), size, rex);
            case 'E' -> insn.memory() ? Insn.MEM : CpuState.general(extended(insn.rm(), 1), size, rex);
            case 'G' -> CpuState.general(extended(insn.reg(), 4), size, rex);
            case 'Z' -> CpuState.general(extended(opcode & 7, 1), size, rex);
            case 'r' -> CpuState.general(operand.number(), size, false);
            case 'M', 'X', 'Y', 'v' -> Insn.MEM;
            case 'I', 'J' -> immediate(operand, size);
            case 'A' -> farPointer();
            case 'O' -> offset();
            case 'n' -> number(operand);
            case 'S' -> CpuState.segment(insn.reg());
            case 's' -> CpuState.segment(operand.number());
            case 'C' -> extended(insn.reg(), 4) + (insn.lock && bits == 32 ? 8 : 0);
            case 'D' -> extended(insn.reg(), 4);
            case 'V' -> CpuState.vector(extended(insn.reg(), 4));
            case 'W', 'U' -> insn.memory() ? Insn.MEM : CpuState.vector(extended(insn.rm(), 1));
            case 'P' -> CpuState.mmx(insn.reg());
            case 'Q', 'N' -> insn.memory() ? Insn.MEM : CpuState.mmx(insn.rm());
            case 'B' -> CpuState.general(insn.vvvv, size, rex);
            case 'H' -> CpuState.vector(insn.vvvv);
            case 'L' -> CpuState.vector(fourth());
            case 'x' -> CpuState.vector(0);
            case 'f' -> Insn.NONE;
            default -> throw new IllegalStateException("operand " + operand.text());
        };
    }

    /** Adds the REX bit {@code bit} (1 is B, 2 is X, 4 is R) to a register number. */
    private int extended(int number, int bit) {
        return (insn.rex & bit) != 0 ? number + 8 : number;
    }

    private int immediate(Operand operand, int size) {
        boolean second = insn.src == Insn.IMM || insn.dst == Insn.IMM;
        boolean signed = operand.method() == 'J' || operand.type().startsWith("s") || "zv".contains(operand.type());
        long value = number(operand.type().equals("z") ? Math.min(size, 4) : size, signed);
        if (second) {
            insn.imm2 = (int) value;
        } else {
            insn.imm = value;
        }
        return Insn.IMM;
    }

    /** The register in bits 7:4 of the immediate (SDM vol. 2A, section 2.3.7); bit 7 counts in 64-bit mode alone. */
    private int fourth() {
        insn.imm = number(1, false);
        return (int) insn.imm >>> 4 & (bits == 64 ? 15 : 7);
    }

    private int number(Operand operand) {
        insn.imm = operand.number();
        return Insn.IMM;
    }

    private int farPointer() {
        insn.imm = number(insn.operandSize, false);
        insn.imm2 = (int) number(2, false);
        return Insn.IMM;
    }

    private int offset() {
        insn.disp = number(insn.addressSize, false);
        return Insn.MEM;
    }

    private void memoryOperand() {
        int mod = insn.modrm >>> 6;
        if (insn.addressSize == 2) {
            memory16(mod);
        } else if (insn.rm() == SIB) {
            sib(mod);
            displacement(mod, 4);
        } else if (mod == 0 && insn.rm() == 5) {
            insn.disp = number(4, true);
            insn.ripRelative = bits == 64;
            insn.base = (short) (insn.ripRelative ? CpuState.BLOCK_RIP : CpuState.ZERO);
        } else {
            useBase(extended(insn.rm(), 1));
            displacement(mod, 4);
        }
    }

    private void sib(int mod) {
        int sib = next();
        int index = extended(sib >>> 3 & 7, 2);
        int base = sib & 7;
        insn.scale = (byte) (sib >>> 6);
        if (insn.row.isVsib()) {
            insn.vsib = (short) CpuState.vector(index);
            insn.indexNumber = (byte) index;
        } else if (index != 4) {
            useIndex(index);
        }
        if (base == 5 && mod == 0) {
            insn.disp = number(4, true);
        } else {
            useBase(extended(base, 1));
        }
    }

    /** 16-bit addressing forms (SDM vol. 2A, table 2-1). */
    private void memory16(int mod) {
        int rm = insn.rm();
        if (mod == 0 && rm == 6) {
            insn.disp = number(2, false);
            return;
        }
        switch (rm) {
            case 0, 1, 7 -> useBase(3);
            case 2, 3, 6 -> useBase(5);
            case 4 -> useBase(6);
            default -> useBase(7);
        }
        if (rm < 4) {
            useIndex(rm % 2 == 0 ? 6 : 7);
        }
        displacement(mod, 2);
    }

    private void useBase(int number) {
        insn.base = (short) (CpuState.GENERAL + 8 * number);
        insn.baseNumber = (byte) number;
        if (number == 4 || number == 5) {
            useSegment(Segment.SS);
        }
    }

    private void useIndex(int number) {
        insn.index = (short) (CpuState.GENERAL + 8 * number);
        insn.indexNumber = (byte) number;
    }

    private void useSegment(int byDefault) {
        insn.segment = (byte) (insn.override >= 0 ? insn.override : byDefault);
        insn.segmentBase = (short) (bits == 64 && insn.segment >= Segment.FS ? CpuState.segment(insn.segment) : CpuState.ZERO);
    }

    private void displacement(int mod, int wide) {
        if (mod != 0) {
            insn.disp += number(mod == 1 ? 1 : wide, true);
        }
    }

    /** Reads a little-endian number. */
    private long number(int size, boolean signed) {
        long value = 0;
        for (int i = 0; i < size; i++) {
            value |= (long) next() << 8 * i;
        }
        int shift = 64 - 8 * size;
        return signed ? value << shift >> shift : value;
    }

    private int next() {
        int b = peek();
        at++;
        return b;
    }

    private int peek() {
        if (at >= limit) {
            truncated = true;
            return 0;
        }
        return code[at] & 0xff;
    }
}
