package org.jkvm.x64;

import java.util.Arrays;

/**
 * Writes instructions in 64-bit mode field by field (Intel SDM vol. 2A, chapter 2): legacy prefix, REX, opcode, ModRM,
 * SIB, displacement, immediate. {@link Assembler} names them. Not thread-safe.
 */
public abstract sealed class Encoder permits MoveInstructions {
    /** No mandatory or operand-size prefix. */
    public static final int NO_PREFIX = 0;
    private static final int REX = 0x40;
    private static final int REX_W = 8;
    private static final int SIB_FOLLOWS = 4;
    private static final int NO_INDEX = 4;
    private static final int NO_BASE = 5;

    private static final int[] SEGMENT_PREFIXES = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    private static final int ADDRESS_SIZE = 0x67;
    /** Recommended multi-byte NOPs of 1 to 8 bytes (Intel SDM vol. 2B, NOP, table 4-12). */
    private static final long[] NOPS = {0x90, 0x9066, 0x1f0f, 0x401f0f, 0x441f0f, 0x441f0f66, 0x801f0f, 0x841f0f};

    private final long origin;
    private byte[] code = new byte[512];
    private int length;
    private int pending;
    private int[] outward = new int[8];
    private int outwards;
    private int places;

    /** Starts at host address {@code origin}, where {@link #toByteArray} will be placed. */
    Encoder(long origin) {
        this.origin = origin;
    }

    /** Host address of the next instruction. */
    public final long address() {
        return origin + length;
    }

    /** Bytes written. */
    public final int length() {
        return length;
    }

    /**
     * The code.
     *
     * @throws IllegalStateException while a label that was used is not bound
     */
    public final byte[] toByteArray() {
        if (pending != 0) {
            throw new IllegalStateException(pending + " uses of labels that were never bound");
        }
        return Arrays.copyOf(code, length);
    }

    /**
     * How many references to places and labelled places there were so far. What is written while this stays as it is does the
     * same wherever it lies.
     */
    public final int places() {
        return places;
    }

    /** The code from {@code position} on. */
    public final byte[] from(int position) {
        return Arrays.copyOfRange(code, position, length);
    }

    /**
     * Where the 32-bit displacements to host addresses are, from the start of the code: each counts from where the code
     * lies, and is another when the code lies elsewhere.
     */
    public final int[] outwardDisplacements() {
        return Arrays.copyOf(outward, outwards);
    }

    /** Writes raw bytes. */
    public final void bytes(byte... bytes) {
        for (byte b : bytes) {
            byte1(b);
        }
    }

    /**
     * Writes an instruction with a ModRM byte.
     *
     * @param prefix         66h, F2h, F3h, 66F2h, 66F3h or {@link #NO_PREFIX}
     * @param rexBits        REX.W (8) where wanted; 40h forces an empty REX prefix; R, X and B are found out here
     * @param opcode         opcode with its escape bytes: 8Bh, 0FAFh, 0F3810h, ...
     * @param reg            register number or opcode extension for ModRM.reg, 0 to 15
     * @param rm             register or memory operand
     * @param immediateBytes number of bytes that the caller will write after this, 0 to 8
     */
    public final void modRm(int prefix, int rexBits, int opcode, int reg, Rm rm, int immediateBytes) {
        if (rm instanceof Mem m) {
            memoryPrefixes(m);
        }
        int rex = rexBits | rexR(reg) | rexXb(rm);
        if (rex != 0 && rm instanceof HighByte) {
            throw new IllegalArgumentException(rm + " cannot be had with a REX prefix");
        }
        prefixes(prefix, rex, opcode);
        operands(reg, rm, immediateBytes);
    }

    /**
     * Writes a VEX-encoded instruction.
     *
     * @param opcode         prefix fields and opcode
     * @param reg            register number or opcode extension for ModRM.reg, 0 to 15
     * @param vvvv           register number for VEX.vvvv, 0 to 15; 0 where there is none
     * @param rm             register or memory operand
     * @param immediateBytes number of bytes that the caller will write after this, 0 or 1
     */
    public final void vex(VexOpcode opcode, int reg, int vvvv, Rm rm, int immediateBytes) {
        if (rm instanceof Mem m) {
            memoryPrefixes(m);
        }
        int rxb = ~(rexR(reg) | rexXb(rm)) << 5 & 0xe0;
        int rest = (~vvvv & 15) << 3 | (opcode.l() ? 4 : 0) | opcode.pp();
        if ((rxb & 0x60) == 0x60 && !opcode.w() && opcode.map() == OpcodeMap.ESCAPE_0F) {
            byte1(0xc5);
            byte1(rxb & 0x80 | rest);
        } else {
            byte1(0xc4);
            byte1(rxb | opcode.map().ordinal());
            byte1((opcode.w() ? 0x80 : 0) | rest);
        }
        byte1(opcode.opcode());
        operands(reg, rm, immediateBytes);
    }

    private void memoryPrefixes(Mem m) {
        if (m.segment() != null) {
            byte1(SEGMENT_PREFIXES[m.segment().ordinal()]);
        }
        if (m.truncated()) {
            byte1(ADDRESS_SIZE);
        }
    }

    /** ModRM, SIB and displacement. */
    private void operands(int reg, Rm rm, int immediateBytes) {
        int field = (reg & 7) << 3;
        switch (rm) {
            case Gpr g -> byte1(0xc0 | field | g.number() & 7);
            case HighByte h -> byte1(0xc0 | field | h.number());
            case Xmm x -> byte1(0xc0 | field | x.number() & 7);
            case RipLabel r -> {
                byte1(field | 5);
                displacement(r.label(), 4, immediateBytes);
            }
            case RipRelative r -> ripRelative(field, r.target(), immediateBytes);
            case Mem m -> memory(field, m);
        }
    }

    /** Writes an instruction whose register is in the opcode's low three bits; prefix and REX as for {@link #modRm}. */
    public final void opcodeReg(int prefix, int rexBits, int opcode, Gpr register) {
        prefixes(prefix, rexBits | register.number() >> 3, opcode + (register.number() & 7));
    }

    /** Writes prefixes and opcode bytes. */
    public final void prefixes(int prefix, int rexBits, int opcode) {
        if (prefix >>> 8 != 0) {
            byte1(prefix >>> 8);
        }
        if (prefix != NO_PREFIX) {
            byte1(prefix);
        }
        if (rexBits != 0) {
            byte1(REX | rexBits);
        }
        for (int shift = 16; shift > 0; shift -= 8) {
            if (opcode >>> shift != 0) {
                byte1(opcode >>> shift);
            }
        }
        byte1(opcode);
    }

    /** Writes {@code size} bytes (1 to 8), little-endian. */
    public final void immediate(long value, int size) {
        for (int i = 0; i < size; i++) {
            byte1((int) (value >>> 8 * i));
        }
    }

    /** Writes {@code count} bytes of instructions that do nothing. */
    public final void nop(int count) {
        for (int left = count; left > 0; left -= Math.min(left, NOPS.length)) {
            int size = Math.min(left, NOPS.length);
            immediate(NOPS[size - 1], size);
        }
    }

    /** Writes NOPs until the byte {@code offset} further on is at a multiple of {@code alignment}, a power of two. */
    public final void align(int alignment, int offset) {
        nop((int) (-(address() + offset) & alignment - 1));
    }

    /**
     * Marks the next instruction with {@code label} and completes what refers to it.
     *
     * @throws IllegalStateException when the label is bound already or too far from a short jump to it
     */
    public final void bind(Label label) {
        places++;
        label.bind(length);
        label.uses().forEach(use -> complete(use, length - use.end()));
        pending -= label.uses().size();
    }

    private void complete(Label.Use use, int displacement) {
        if (use.size() == 1 && displacement != (byte) displacement) {
            throw new IllegalStateException("a short jump does not reach over " + displacement + " bytes");
        }
        for (int i = 0; i < use.size(); i++) {
            code[use.at() + i] = (byte) (displacement >>> 8 * i);
        }
    }

    /** Writes a displacement of {@code size} bytes to {@code label}, relative to what follows it and the immediate. */
    final void displacement(Label label, int size, int immediateBytes) {
        places++;
        Label.Use use = new Label.Use(length, size, length + size + immediateBytes);
        immediate(0, size);
        if (label.isBound()) {
            complete(use, label.position() - use.end());
        } else {
            label.use(use);
            pending++;
        }
    }

    /** Writes a 32-bit displacement to {@code target}, relative to the byte after it and {@code immediateBytes}. */
    final void displacement32(long target, int immediateBytes) {
        long displacement = target - (address() + 4 + immediateBytes);
        if (displacement != (int) displacement) {
            throw new IllegalArgumentException(
                    "0x%x is more than 2 GiB from the code at 0x%x".formatted(target, address()));
        }
        if (outwards == outward.length) {
            outward = Arrays.copyOf(outward, outwards * 2);
        }
        places++;
        outward[outwards++] = length;
        immediate(displacement, 4);
    }

    static int rexR(int reg) {
        return reg >> 1 & 4;
    }

    static int rexXb(Rm rm) {
        return switch (rm) {
            case Gpr g -> g.number() >> 3;
            case Xmm x -> x.number() >> 3;
            case HighByte ignored -> 0;
            case RipRelative ignored -> 0;
            case RipLabel ignored -> 0;
            case Mem m -> high(m.index()) << 1 | high(m.base());
        };
    }

    private static int high(Gpr register) {
        return register == null ? 0 : register.number() >> 3;
    }

    private void ripRelative(int field, long target, int immediateBytes) {
        byte1(field | 5);
        displacement32(target, immediateBytes);
    }

    private void memory(int field, Mem m) {
        if (m.base() == null) {
            byte1(field | SIB_FOLLOWS);
            sib(m, NO_BASE);
            immediate(m.displacement(), 4);
            return;
        }
        int size = displacementSize(m);
        int mod = size == 0 ? 0 : size == 1 ? 0x40 : 0x80;
        int base = m.base().number() & 7;
        boolean sib = m.index() != null || base == SIB_FOLLOWS;
        byte1(mod | field | (sib ? SIB_FOLLOWS : base));
        if (sib) {
            sib(m, base);
        }
        immediate(m.displacement(), size);
    }

    /** Base RBP and R13 always have a displacement: without one they mean something else (SDM vol. 2A, table 2-5). */
    private static int displacementSize(Mem m) {
        if (m.displacement() == 0 && (m.base().number() & 7) != NO_BASE) {
            return 0;
        }
        return m.displacement() == (byte) m.displacement() ? 1 : 4;
    }

    private void sib(Mem m, int base) {
        int index = m.index() == null ? NO_INDEX : m.index().number() & 7;
        byte1(Integer.numberOfTrailingZeros(m.scale()) << 6 | index << 3 | base);
    }

    private void byte1(int value) {
        if (length == code.length) {
            code = Arrays.copyOf(code, length * 2);
        }
        code[length++] = (byte) value;
    }

    /** REX.W for 64-bit operands, and the empty REX that makes 4 to 7 mean SPL, BPL, SIL and DIL in byte operands. */
    static int rexFor(Size size, int reg, Rm rm) {
        return switch (size) {
            case QWORD -> REX_W;
            case BYTE -> needsRex(reg) || rm instanceof Gpr g && needsRex(g.number()) ? REX : 0;
            case WORD, DWORD -> 0;
        };
    }

    private static boolean needsRex(int register) {
        return register >= 4 && register <= 7;
    }

    static int prefixFor(Size size) {
        return size == Size.WORD ? 0x66 : NO_PREFIX;
    }
}
