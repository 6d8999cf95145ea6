package org.jkvm.x86.isa;

import java.util.List;

/**
 * One row of the opcode tables: an encoding, its operands, and everything that decoder, interpreter, translator,
 * disassembler, tests and the coverage page need to know of it. The methods below refine the declaration and are called
 * once, where it is declared.
 *
 * <p>Opcode text: {@code "00"}, {@code "0F A4"}, {@code "0F 38 00"}; before it a mandatory prefix {@code NP}, {@code 66},
 * {@code F2}, {@code F3}, or instead of the map a VEX prefix, as in {@code "VEX.128.66.0F38.W0 F7"} ({@link VexText}); after
 * it {@code /n} for ModRM.reg, {@code mem} or {@code reg} for ModRM.mod, {@code =C8} for an exact ModRM byte.
 */
public final class Row {
    /** Prefix requirement: none. */
    static final int ANY = -1;
    /** Prefix requirement: neither 66h, F2h nor F3h. */
    static final int NP = 0;

    private final int number;
    private final String opcode;
    private final String mnemonic;
    private final List<Operand> operands;
    private final Handler handler;
    private final boolean modrm;
    private final boolean usesVvvv;
    private final boolean vsib;
    final VexText vex;
    final int map;
    final int code;
    final int prefix;
    final int extension;
    final int exact;
    final char form;
    private String read = "";
    private String written = "";
    private String undefined = "";
    private Feature feature = Feature.BASE;
    private Mode mode = Mode.ANY;
    private boolean lockable;
    private boolean endsBlock;
    private boolean privileged;

    /** How a row behaves in 64-bit mode (SDM vol. 2D, table A-1: i64, o64, d64, f64). */
    public enum Mode {
        /** Everywhere. */
        ANY,
        /** Not in 64-bit mode. */
        I64,
        /** In 64-bit mode alone. */
        O64,
        /** Operand size is 64 bits by default in 64-bit mode. */
        D64,
        /** Operand size is 64 bits always in 64-bit mode. */
        F64
    }

    Row(OpcodeText text, String mnemonic, String operands, Handler handler, int number) {
        this.number = number;
        this.opcode = text.source();
        this.vex = text.vex();
        this.map = text.map();
        this.code = text.code();
        this.prefix = text.prefix();
        this.extension = text.extension();
        this.exact = text.exact();
        this.form = text.form();
        this.mnemonic = mnemonic;
        this.operands = Operand.parseAll(operands);
        this.handler = handler;
        this.modrm = extension >= 0 || exact >= 0 || form != '*' || hasAny(Operand.OF_MODRM);
        this.usesVvvv = hasAny("BH");
        this.vsib = hasAny("v");
    }

    /** Whether an operand has one of the addressing methods. */
    boolean hasAny(String methods) {
        for (Operand operand : operands) {
            if (methods.indexOf(operand.method()) >= 0) {
                return true;
            }
        }
        return false;
    }

    /** Flags that it reads, of "oszapcd": overflow, sign, zero, auxiliary, parity, carry, direction. */
    public Row reads(String flags) {
        read = flags;
        return this;
    }

    /** Flags that it defines. */
    public Row writes(String flags) {
        written = flags;
        return this;
    }

    /** Flags that it leaves undefined. */
    public Row undefined(String flags) {
        undefined = flags;
        return this;
    }

    /** The CPUID feature without which it is #UD. */
    public Row needs(Feature cpuidFeature) {
        feature = cpuidFeature;
        return this;
    }

    /** Its behaviour in 64-bit mode. */
    public Row in(Mode newMode) {
        mode = newMode;
        return this;
    }

    /** LOCK is allowed where the first operand is memory. */
    public Row lockable() {
        lockable = true;
        return this;
    }

    /** No instruction follows it in a block: it branches, or changes how code is fetched or interrupted. */
    public Row endsBlock() {
        endsBlock = true;
        return this;
    }

    /** Raises #GP outside CPL 0: not a user-mode row. */
    public Row privileged() {
        privileged = true;
        return this;
    }

    /** The encoding, as declared. */
    public String opcode() {
        return opcode;
    }

    /** Its number in {@link OpcodeTable#rows}. */
    public int number() {
        return number;
    }

    /** The mnemonic, in upper case. */
    public String mnemonic() {
        return mnemonic;
    }

    /** The operands. */
    public List<Operand> operands() {
        return operands;
    }

    /** The interpreter's semantics. */
    public Handler handler() {
        return handler;
    }

    /** Flags that it reads. */
    public String flagsRead() {
        return read;
    }

    /** Flags that it defines. */
    public String flagsWritten() {
        return written;
    }

    /** Flags that it leaves undefined. */
    public String flagsUndefined() {
        return undefined;
    }

    /** The CPUID feature that it needs. */
    public Feature feature() {
        return feature;
    }

    /** Its behaviour in 64-bit mode. */
    public Mode mode() {
        return mode;
    }

    /** Whether LOCK is allowed. */
    public boolean isLockable() {
        return lockable;
    }

    /** Whether a block ends with it. */
    public boolean isBlockEnd() {
        return endsBlock;
    }

    /** Whether user mode can't execute it. */
    public boolean isPrivileged() {
        return privileged;
    }

    /** Whether a ModRM byte follows the opcode. */
    public boolean hasModrm() {
        return modrm;
    }

    /** Which opcode map: 0 one-byte, 1 0F, 2 0F 38, 3 0F 3A. */
    public int map() {
        return map;
    }

    /** The opcode byte. */
    public int code() {
        return code;
    }

    /** The mandatory prefix (66h, F2h, F3h), 0 for NP, -1 for any. */
    public int mandatoryPrefix() {
        return prefix;
    }

    /** Whether it is VEX-encoded; then {@link #mandatoryPrefix} is what VEX.pp stands for. */
    public boolean isVex() {
        return vex != null;
    }

    /** VEX.L that it needs, 0 or 1, or -1 for either. */
    public int vexL() {
        return vex.l();
    }

    /** VEX.W that it needs, 0 or 1, or -1 for either. */
    public int vexW() {
        return vex.w();
    }

    /** Whether VEX.vvvv names a register of it; elsewhere it must be 1111b, or the instruction is #UD. */
    public boolean usesVvvv() {
        return usesVvvv;
    }

    /** Whether its memory operand has a vector of indices (VSIB). */
    public boolean isVsib() {
        return vsib;
    }

    /** ModRM.reg that selects this row, or -1. */
    public int extension() {
        return extension;
    }

    /** The exact ModRM byte that selects this row, or -1. */
    public int exactModrm() {
        return exact;
    }

    /** 'm' where ModRM must name memory, 'r' a register, '*' either. */
    public char form() {
        return form;
    }

    boolean matches(int modrmByte, boolean bits64) {
        return (extension < 0 || (modrmByte >>> 3 & 7) == extension)
                && (exact < 0 || modrmByte == exact)
                && (form == '*' || form == 'm' == modrmByte < 0xc0)
                && !(bits64 ? mode == Mode.I64 : mode == Mode.O64);
    }

    boolean matchesVex(int l, int w) {
        return (vex.l() == VexText.ANY || vex.l() == l) && (vex.w() == VexText.ANY || vex.w() == w);
    }

    @Override
    public String toString() {
        return opcode + " " + mnemonic;
    }
}
