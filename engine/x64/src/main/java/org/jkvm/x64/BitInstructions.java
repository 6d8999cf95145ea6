package org.jkvm.x64;

import static org.jkvm.x64.OpcodeMap.ESCAPE_0F38;
import static org.jkvm.x64.OpcodeMap.ESCAPE_0F3A;

/** Bit tests, scans and counts, BMI1, BMI2 and CRC32. */
public abstract sealed class BitInstructions extends ArithmeticInstructions permits StateInstructions {
    private static final VexOpcode ANDN = new VexOpcode(0, ESCAPE_0F38, false, false, 0xf2);
    private static final VexOpcode BLS = new VexOpcode(0, ESCAPE_0F38, false, false, 0xf3);
    private static final VexOpcode BZHI = new VexOpcode(0, ESCAPE_0F38, false, false, 0xf5);
    private static final VexOpcode PEXT = new VexOpcode(2, ESCAPE_0F38, false, false, 0xf5);
    private static final VexOpcode PDEP = new VexOpcode(3, ESCAPE_0F38, false, false, 0xf5);
    private static final VexOpcode MULX = new VexOpcode(3, ESCAPE_0F38, false, false, 0xf6);
    private static final VexOpcode BEXTR = new VexOpcode(0, ESCAPE_0F38, false, false, 0xf7);
    private static final VexOpcode SHLX = new VexOpcode(1, ESCAPE_0F38, false, false, 0xf7);
    private static final VexOpcode SARX = new VexOpcode(2, ESCAPE_0F38, false, false, 0xf7);
    private static final VexOpcode SHRX = new VexOpcode(3, ESCAPE_0F38, false, false, 0xf7);
    private static final VexOpcode RORX = new VexOpcode(3, ESCAPE_0F3A, false, false, 0xf0);

    BitInstructions(long origin) {
        super(origin);
    }

    /** The bit tests of opcode 0FBAh, in the order of their opcode extensions from /4 on. */
    public enum BitTest { BT, BTS, BTR, BTC }

    /** BT, BTS, BTR or BTC r/m, r: opcodes 0FA3h to 0FBBh; in memory a signed index reaches beyond the operand. */
    public final void bitTest(BitTest operation, Size size, Rm bits, Gpr index) {
        int opcode = 0x0fa3 + 8 * operation.ordinal();
        modRm(prefixFor(size), rexFor(size, index.number(), bits), opcode, index.number(), bits, 0);
    }

    /** BT, BTS, BTR or BTC r/m, imm8: opcode 0FBAh /4 to /7; the index is taken modulo the operand's size. */
    public final void bitTest(BitTest operation, Size size, Rm bits, int index) {
        modRm(prefixFor(size), rexFor(size, 0, bits), 0x0fba, 4 + operation.ordinal(), bits, 1);
        immediate(index, 1);
    }

    /** BSF: opcode 0FBCh; the destination keeps its value when there is no bit. */
    public final void bsf(Size size, Gpr to, Rm from) {
        modRm(prefixFor(size), rexFor(size, to.number(), from), 0x0fbc, to.number(), from, 0);
    }

    /** BSR: opcode 0FBDh; the destination keeps its value when there is no bit. */
    public final void bsr(Size size, Gpr to, Rm from) {
        modRm(prefixFor(size), rexFor(size, to.number(), from), 0x0fbd, to.number(), from, 0);
    }

    /** POPCNT: opcode F3 0FB8h. */
    public final void popcnt(Size size, Gpr to, Rm from) {
        count(size, 0x0fb8, to, from);
    }

    /** TZCNT: opcode F3 0FBCh (BMI1). */
    public final void tzcnt(Size size, Gpr to, Rm from) {
        count(size, 0x0fbc, to, from);
    }

    /** LZCNT: opcode F3 0FBDh. */
    public final void lzcnt(Size size, Gpr to, Rm from) {
        count(size, 0x0fbd, to, from);
    }

    private void count(Size size, int opcode, Gpr to, Rm from) {
        prefixed(0xf3, size, opcode, to, from);
    }

    /** CRC32 of {@code size} bytes: opcodes F2 0F38F0h, F2 0F38F1h. */
    public final void crc32(Size size, Gpr to, Rm from) {
        prefixed(0xf2, size, 0x0f38f0 | wide(size), to, from);
    }

    /** A mandatory prefix and an operand size. */
    private void prefixed(int prefix, Size size, int opcode, Gpr to, Rm from) {
        int rex = rexFor(size, 0, from);
        modRm(prefixFor(size) << 8 | prefix, rex, opcode, to.number(), from, 0);
    }

    // VEX-encoded, for 32 and 64 bits (BMI1, BMI2); all but ANDN, BEXTR, BLS and BZHI keep the flags

    /** ANDN: {@code ~left & right}. */
    public final void andn(Size size, Gpr to, Gpr left, Rm right) {
        vex(ANDN.sized(size), to.number(), left.number(), right, 0);
    }

    /** BLSR: clears the lowest bit set. */
    public final void blsr(Size size, Gpr to, Rm from) {
        vex(BLS.sized(size), 1, to.number(), from, 0);
    }

    /** BLSMSK: all bits up to the lowest bit set. */
    public final void blsmsk(Size size, Gpr to, Rm from) {
        vex(BLS.sized(size), 2, to.number(), from, 0);
    }

    /** BLSI: the lowest bit set alone. */
    public final void blsi(Size size, Gpr to, Rm from) {
        vex(BLS.sized(size), 3, to.number(), from, 0);
    }

    /** BEXTR: start in {@code control}'s bits 0 to 7, length in 8 to 15. */
    public final void bextr(Size size, Gpr to, Rm from, Gpr control) {
        vex(BEXTR.sized(size), to.number(), control.number(), from, 0);
    }

    /** BZHI: clears the bits from {@code index} on. */
    public final void bzhi(Size size, Gpr to, Rm from, Gpr index) {
        vex(BZHI.sized(size), to.number(), index.number(), from, 0);
    }

    /** PEXT: gathers the bits that {@code mask} names. */
    public final void pext(Size size, Gpr to, Gpr from, Rm mask) {
        vex(PEXT.sized(size), to.number(), from.number(), mask, 0);
    }

    /** PDEP: scatters bits to where {@code mask} names. */
    public final void pdep(Size size, Gpr to, Gpr from, Rm mask) {
        vex(PDEP.sized(size), to.number(), from.number(), mask, 0);
    }

    /** MULX: RDX times {@code by}. */
    public final void mulx(Size size, Gpr high, Gpr low, Rm by) {
        vex(MULX.sized(size), high.number(), low.number(), by, 0);
    }

    /** RORX. */
    public final void rorx(Size size, Gpr to, Rm from, int count) {
        vex(RORX.sized(size), to.number(), 0, from, 1);
        immediate(count, 1);
    }

    /** SHLX. */
    public final void shlx(Size size, Gpr to, Rm from, Gpr count) {
        vex(SHLX.sized(size), to.number(), count.number(), from, 0);
    }

    /** SHRX. */
    public final void shrx(Size size, Gpr to, Rm from, Gpr count) {
        vex(SHRX.sized(size), to.number(), count.number(), from, 0);
    }

    /** SARX. */
    public final void sarx(Size size, Gpr to, Rm from, Gpr count) {
        vex(SARX.sized(size), to.number(), count.number(), from, 0);
    }
}
