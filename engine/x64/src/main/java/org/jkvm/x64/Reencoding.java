package org.jkvm.x64;

/**
 * The parts of a decoded instruction that stay when its operands are replaced: {@link Assembler#encode} writes it again.
 * Segment and address-size prefixes are not among them: they belong to the new memory operand.
 *
 * @param prefixes       {@link #OPERAND_SIZE}, {@link #REPNE}, {@link #REP} and {@link #LOCK}; with VEX, what pp stands for
 * @param rex            whether there may or must be a REX prefix
 * @param w              REX.W or VEX.W
 * @param vector         what only VEX says, or null without VEX
 * @param map            opcode map
 * @param opcode         opcode byte
 * @param reg            new register number or opcode extension for ModRM.reg, 0 to 15
 * @param immediate      immediate bytes, little-endian
 * @param immediateBytes their number, 0 to 8
 */
public record Reencoding(int prefixes, Rex rex, boolean w, Vector vector, OpcodeMap map, int opcode, int reg,
        long immediate, int immediateBytes) {
    /** Prefix 66h. */
    public static final int OPERAND_SIZE = 1;
    /** Prefix F2h. */
    public static final int REPNE = 2;
    /** Prefix F3h. */
    public static final int REP = 4;
    /** Prefix F0h. */
    public static final int LOCK = 8;

    /** REX prefixes, which change what byte registers 4 to 7 are (Intel SDM vol. 2A, section 2.2.1.2). */
    public enum Rex {
        /** A byte operand is AH, CH, DH or BH. */
        NEVER,
        /** No byte operand has number 4 to 7. */
        AS_NEEDED,
        /** A byte operand is SPL, BPL, SIL or DIL. */
        ALWAYS
    }

    /**
     * VEX's own fields.
     *
     * @param vvvv new register number for VEX.vvvv, 0 to 15; 0 where there is none
     * @param l    VEX.L: 256 bits
     */
    public record Vector(int vvvv, boolean l) {
    }

    /** Refuses register numbers and sizes that do not exist. */
    public Reencoding {
        if ((reg & ~15) != 0 || immediateBytes < 0 || immediateBytes > 8 || (opcode & ~0xff) != 0) {
            throw new IllegalArgumentException("reg " + reg + ", " + immediateBytes + " immediate bytes, opcode " + opcode);
        }
    }

    /** A legacy instruction without immediate, REX as needed. */
    public static Reencoding of(int prefixes, boolean w, OpcodeMap map, int opcode, int reg) {
        return new Reencoding(prefixes, Rex.AS_NEEDED, w, null, map, opcode, reg, 0, 0);
    }

    /** The same with an immediate. */
    public Reencoding withImmediate(long value, int bytes) {
        return new Reencoding(prefixes, rex, w, vector, map, opcode, reg, value, bytes);
    }

    /** The same with another register or extension in ModRM.reg. */
    public Reencoding withReg(int number) {
        return new Reencoding(prefixes, rex, w, vector, map, opcode, number, immediate, immediateBytes);
    }

    /** The same with REX forbidden, left open or demanded. */
    public Reencoding withRex(Rex other) {
        return new Reencoding(prefixes, other, w, vector, map, opcode, reg, immediate, immediateBytes);
    }

    /** The same with a VEX prefix. */
    public Reencoding withVex(int vvvv, boolean l) {
        return new Reencoding(prefixes, rex, w, new Vector(vvvv, l), map, opcode, reg, immediate, immediateBytes);
    }

    boolean isVex() {
        return vector != null;
    }

    int vvvv() {
        return vector.vvvv();
    }

    boolean has(int prefix) {
        return (prefixes & prefix) != 0;
    }

    /** 66h, and F2h or F3h behind it, as {@link Encoder#modRm} takes them. */
    int legacyPrefix() {
        int repeat = has(REP) ? 0xf3 : has(REPNE) ? 0xf2 : Encoder.NO_PREFIX;
        int operandSize = has(OPERAND_SIZE) ? 0x66 : Encoder.NO_PREFIX;
        return repeat == Encoder.NO_PREFIX ? operandSize : operandSize << 8 | repeat;
    }

    int opcodeWithEscape() {
        return map.withEscape(opcode);
    }

    VexOpcode vexOpcode() {
        int pp = has(REP) ? 2 : has(REPNE) ? 3 : has(OPERAND_SIZE) ? 1 : 0;
        return new VexOpcode(pp, map, w, vector.l(), opcode);
    }
}
