package org.jkvm.x64;

/** Integer arithmetic, logic, shifts and rotates. */
public abstract sealed class ArithmeticInstructions extends MoveInstructions permits BitInstructions {
    ArithmeticInstructions(long origin) {
        super(origin);
    }

    /** The eight operations of opcodes 00h to 3Fh, in the order of their opcode extensions. */
    public enum Alu { ADD, OR, ADC, SBB, AND, SUB, XOR, CMP }

    /** The shifts and rotates of opcodes C0h and D0h to D3h; the opcode extension is {@link #extension}. */
    public enum Shift {
        ROL, ROR, RCL, RCR, SHL, SHR, SAR;

        /** /0 to /7 without /6, another name of SHL. */
        int extension() {
            return this == SAR ? 7 : ordinal();
        }
    }

    /** ADD. */
    public final void add(Size size, Rm to, Gpr from) {
        alu(Alu.ADD, size, to, from);
    }

    /** ADD. */
    public final void add(Size size, Rm to, int immediate) {
        alu(Alu.ADD, size, to, immediate);
    }

    /** SUB. */
    public final void sub(Size size, Rm to, Gpr from) {
        alu(Alu.SUB, size, to, from);
    }

    /** SUB. */
    public final void sub(Size size, Rm to, int immediate) {
        alu(Alu.SUB, size, to, immediate);
    }

    /** AND. */
    public final void and(Size size, Rm to, int immediate) {
        alu(Alu.AND, size, to, immediate);
    }

    /** XOR. */
    public final void xor(Size size, Rm to, Gpr from) {
        alu(Alu.XOR, size, to, from);
    }

    /** CMP. */
    public final void cmp(Size size, Rm left, Gpr right) {
        alu(Alu.CMP, size, left, right);
    }

    /** CMP. */
    public final void cmp(Size size, Rm left, int immediate) {
        alu(Alu.CMP, size, left, immediate);
    }

    /** One of the eight two-operand operations, register source. */
    public final void alu(Alu operation, Size size, Rm to, Gpr from) {
        integer(size, operation.ordinal() << 3, from.number(), to, 0);
    }

    /** One of the eight two-operand operations, memory source. */
    public final void alu(Alu operation, Size size, Gpr to, Memory from) {
        integer(size, operation.ordinal() << 3 | 2, to.number(), from, 0);
    }

    /** One of the eight two-operand operations, immediate source in its shortest form. */
    public final void alu(Alu operation, Size size, Rm to, int immediate) {
        boolean signExtended = size != Size.BYTE && immediate == (byte) immediate;
        int bytes = signExtended ? 1 : immediateBytes(size);
        if (to == Gpr.RAX && !signExtended) {
            accumulator(size, operation.ordinal() << 3 | 4);
        } else {
            int opcode = signExtended ? 0x83 : 0x80 | wide(size);
            modRm(prefixFor(size), rexFor(size, 0, to), opcode, operation.ordinal(), to, bytes);
        }
        immediate(immediate, bytes);
    }

    /** TEST: opcodes 84h, 85h. */
    public final void test(Size size, Rm left, Gpr right) {
        integer(size, 0x84, right.number(), left, 0);
    }

    /** TEST: opcodes A8h, A9h, and F6h, F7h /0; a 64-bit operand takes a sign-extended 32-bit immediate. */
    public final void test(Size size, Rm left, int immediate) {
        int bytes = immediateBytes(size);
        if (left == Gpr.RAX) {
            accumulator(size, 0xa8);
        } else {
            integerExtension(size, 0xf6, 0, left, bytes);
        }
        immediate(immediate, bytes);
    }

    private void accumulator(Size size, int byteOpcode) {
        prefixes(prefixFor(size), rexFor(size, 0, Gpr.RAX), byteOpcode | wide(size));
    }

    /** INC: opcodes FEh, FFh /0. */
    public final void inc(Size size, Rm operand) {
        integerExtension(size, 0xfe, 0, operand, 0);
    }

    /** DEC: opcodes FEh, FFh /1. */
    public final void dec(Size size, Rm operand) {
        integerExtension(size, 0xfe, 1, operand, 0);
    }

    /** NOT: opcodes F6h, F7h /2. */
    public final void not(Size size, Rm operand) {
        integerExtension(size, 0xf6, 2, operand, 0);
    }

    /** NEG: opcodes F6h, F7h /3. */
    public final void neg(Size size, Rm operand) {
        integerExtension(size, 0xf6, 3, operand, 0);
    }

    /** MUL, into AX or RDX:RAX: opcodes F6h, F7h /4. */
    public final void mul(Size size, Rm by) {
        integerExtension(size, 0xf6, 4, by, 0);
    }

    /** IMUL, into AX or RDX:RAX: opcodes F6h, F7h /5. */
    public final void imul(Size size, Rm by) {
        integerExtension(size, 0xf6, 5, by, 0);
    }

    /** IMUL r, r/m: opcode 0FAFh; not for bytes. */
    public final void imul(Size size, Gpr to, Rm by) {
        modRm(prefixFor(size), rexFor(size, to.number(), by), 0x0faf, to.number(), by, 0);
    }

    /** IMUL r, r/m, imm: opcodes 6Bh, 69h; not for bytes. */
    public final void imul(Size size, Gpr to, Rm left, int right) {
        boolean small = right == (byte) right;
        int bytes = small ? 1 : immediateBytes(size);
        modRm(prefixFor(size), rexFor(size, to.number(), left), small ? 0x6b : 0x69, to.number(), left, bytes);
        immediate(right, bytes);
    }

    /** DIV of AX or RDX:RAX: opcodes F6h, F7h /6. */
    public final void div(Size size, Rm by) {
        integerExtension(size, 0xf6, 6, by, 0);
    }

    /** IDIV of AX or RDX:RAX: opcodes F6h, F7h /7. */
    public final void idiv(Size size, Rm by) {
        integerExtension(size, 0xf6, 7, by, 0);
    }

    /** CBW, CWDE, CDQE: RAX of {@code size} becomes its lower half sign-extended; not for bytes. */
    public final void cbw(Size size) {
        prefixes(prefixFor(size), rexFor(size, 0, Gpr.RAX), 0x98);
    }

    /** CWD, CDQ, CQO: RDX of {@code size} becomes RAX's sign; not for bytes. */
    public final void cwd(Size size) {
        prefixes(prefixFor(size), rexFor(size, 0, Gpr.RAX), 0x99);
    }

    /** A shift or rotate by 0 to 255: opcodes D0h, D1h for one bit, C0h, C1h for others. */
    public final void shift(Shift operation, Size size, Rm operand, int count) {
        if (count == 1) {
            integerExtension(size, 0xd0, operation.extension(), operand, 0);
        } else {
            integerExtension(size, 0xc0, operation.extension(), operand, 1);
            immediate(count, 1);
        }
    }

    /** A shift or rotate by CL: opcodes D2h, D3h. */
    public final void shiftByCl(Shift operation, Size size, Rm operand) {
        integerExtension(size, 0xd2, operation.extension(), operand, 0);
    }

    /** SHLD r/m, r, imm8: opcode 0FA4h; not for bytes. */
    public final void shld(Size size, Rm to, Gpr from, int count) {
        doubleShift(size, 0x0fa4, to, from, 1);
        immediate(count, 1);
    }

    /** SHLD r/m, r, CL: opcode 0FA5h; not for bytes. */
    public final void shldByCl(Size size, Rm to, Gpr from) {
        doubleShift(size, 0x0fa5, to, from, 0);
    }

    /** SHRD r/m, r, imm8: opcode 0FACh; not for bytes. */
    public final void shrd(Size size, Rm to, Gpr from, int count) {
        doubleShift(size, 0x0fac, to, from, 1);
        immediate(count, 1);
    }

    /** SHRD r/m, r, CL: opcode 0FADh; not for bytes. */
    public final void shrdByCl(Size size, Rm to, Gpr from) {
        doubleShift(size, 0x0fad, to, from, 0);
    }

    private void doubleShift(Size size, int opcode, Rm to, Gpr from, int immediateBytes) {
        modRm(prefixFor(size), rexFor(size, from.number(), to), opcode, from.number(), to, immediateBytes);
    }

    /** ADCX r, r/m for 32 and 64 bits: opcode 66 0F38F6h (ADX). */
    public final void adcx(Size size, Gpr to, Rm from) {
        modRm(0x66, rexFor(size, to.number(), from), 0x0f38f6, to.number(), from, 0);
    }

    /** ADOX r, r/m for 32 and 64 bits: opcode F3 0F38F6h (ADX). */
    public final void adox(Size size, Gpr to, Rm from) {
        modRm(0xf3, rexFor(size, to.number(), from), 0x0f38f6, to.number(), from, 0);
    }
}
