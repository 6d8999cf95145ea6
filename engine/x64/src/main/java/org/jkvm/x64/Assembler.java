package org.jkvm.x64;

/**
 * x86-64 instructions by their names in the Intel SDM vol. 2, destination first. The operand size is the first argument
 * where an instruction has several; a register is written {@link Gpr#RAX} at every size. Not thread-safe.
 */
public final class Assembler extends Encoder {
    private static final int WORD_OR_MORE = 1;

    /** Starts at host address {@code origin}, where {@link #toByteArray} will be placed. */
    public Assembler(long origin) {
        super(origin);
    }

    // Moves

    /** MOV: opcodes 88h, 89h. */
    public void mov(Size size, Rm to, Gpr from) {
        integer(size, 0x88, from.number(), to, 0);
    }

    /** MOV: opcodes 8Ah, 8Bh. */
    public void mov(Size size, Gpr to, Memory from) {
        integer(size, 0x8a, to.number(), from, 0);
    }

    /** MOV r/m, imm: opcodes C6h, C7h /0; a 64-bit operand takes a sign-extended 32-bit immediate. */
    public void mov(Size size, Rm to, int immediate) {
        int bytes = immediateBytes(size);
        integer(size, 0xc6, 0, to, bytes);
        immediate(immediate, bytes);
    }

    /** MOV r64, imm64 in its shortest form: B8h with 32 or 64 bits, or C7h sign-extended. */
    public void mov(Gpr to, long immediate) {
        if (immediate >>> 32 == 0) {
            opcodeReg(NO_PREFIX, 0, 0xb8, to);
            immediate(immediate, 4);
        } else if (immediate == (int) immediate) {
            mov(Size.QWORD, to, (int) immediate);
        } else {
            opcodeReg(NO_PREFIX, 8, 0xb8, to);
            immediate(immediate, 8);
        }
    }

    /** MOV Sreg, r/m16: opcode 8Eh. */
    public void mov(Segment to, Gpr from) {
        modRm(NO_PREFIX, 0, 0x8e, to.ordinal(), from, 0);
    }

    /** LEA: opcode 8Dh. */
    public void lea(Size size, Gpr to, Memory address) {
        integer(size, 0x8c, to.number(), address, 0);
    }

    /** PUSH r64: opcode 50h+r. */
    public void push(Gpr register) {
        opcodeReg(NO_PREFIX, 0, 0x50, register);
    }

    /** PUSH m64: opcode FFh /6. */
    public void push(Rm from) {
        modRm(NO_PREFIX, 0, 0xff, 6, from, 0);
    }

    /** POP r64: opcode 58h+r. */
    public void pop(Gpr register) {
        opcodeReg(NO_PREFIX, 0, 0x58, register);
    }

    /** POP m64: opcode 8Fh /0. */
    public void pop(Rm to) {
        modRm(NO_PREFIX, 0, 0x8f, 0, to, 0);
    }

    /** PUSHFQ. */
    public void pushfq() {
        prefixes(NO_PREFIX, 0, 0x9c);
    }

    /** POPFQ. */
    public void popfq() {
        prefixes(NO_PREFIX, 0, 0x9d);
    }

    /** CMOVcc: opcode 0F40h+cc; not for bytes. */
    public void cmov(Cond condition, Size size, Gpr to, Rm from) {
        modRm(prefixFor(size), rexFor(size, to.number(), from), 0x0f40 + condition.ordinal(), to.number(), from, 0);
    }

    /** SETcc: opcode 0F90h+cc. */
    public void set(Cond condition, Rm to) {
        modRm(NO_PREFIX, rexFor(Size.BYTE, 0, to), 0x0f90 + condition.ordinal(), 0, to, 0);
    }

    // Arithmetic: opcodes 00h to 3Fh, 80h, 81h, 83h

    /** ADD. */
    public void add(Size size, Rm to, Gpr from) {
        alu(Alu.ADD, size, to, from);
    }

    /** ADD. */
    public void add(Size size, Rm to, int immediate) {
        alu(Alu.ADD, size, to, immediate);
    }

    /** SUB. */
    public void sub(Size size, Rm to, Gpr from) {
        alu(Alu.SUB, size, to, from);
    }

    /** SUB. */
    public void sub(Size size, Rm to, int immediate) {
        alu(Alu.SUB, size, to, immediate);
    }

    /** AND. */
    public void and(Size size, Rm to, int immediate) {
        alu(Alu.AND, size, to, immediate);
    }

    /** XOR. */
    public void xor(Size size, Rm to, Gpr from) {
        alu(Alu.XOR, size, to, from);
    }

    /** CMP. */
    public void cmp(Size size, Rm left, Gpr right) {
        alu(Alu.CMP, size, left, right);
    }

    /** CMP. */
    public void cmp(Size size, Rm left, int immediate) {
        alu(Alu.CMP, size, left, immediate);
    }

    /** One of the eight two-operand operations, register source. */
    public void alu(Alu operation, Size size, Rm to, Gpr from) {
        integer(size, operation.ordinal() << 3, from.number(), to, 0);
    }

    /** One of the eight two-operand operations, memory source. */
    public void alu(Alu operation, Size size, Gpr to, Memory from) {
        integer(size, operation.ordinal() << 3 | 2, to.number(), from, 0);
    }

    /** One of the eight two-operand operations, immediate source in its shortest form. */
    public void alu(Alu operation, Size size, Rm to, int immediate) {
        boolean shortForm = size != Size.BYTE && immediate == (byte) immediate;
        int bytes = shortForm ? 1 : immediateBytes(size);
        modRm(prefixFor(size), rexFor(size, 0, to), shortForm ? 0x83 : 0x80 | wide(size), operation.ordinal(), to, bytes);
        immediate(immediate, bytes);
    }

    // Control transfer

    /** JMP rel8 or rel32 to a label: rel32 while the label is not bound. */
    public void jmp(Label target) {
        if (reachesShort(target)) {
            prefixes(NO_PREFIX, 0, 0xeb);
            immediate(target.position() - (length() + 1), 1);
        } else {
            prefixes(NO_PREFIX, 0, 0xe9);
            displacement32(target);
        }
    }

    /** JMP rel32 to a host address. */
    public void jmp(long target) {
        prefixes(NO_PREFIX, 0, 0xe9);
        displacement32(target, 0);
    }

    /** JMP r/m64: opcode FFh /4. */
    public void jmp(Rm target) {
        modRm(NO_PREFIX, 0, 0xff, 4, target, 0);
    }

    /** Jcc rel8 or rel32 to a label: rel32 while the label is not bound. */
    public void j(Cond condition, Label target) {
        if (reachesShort(target)) {
            prefixes(NO_PREFIX, 0, 0x70 + condition.ordinal());
            immediate(target.position() - (length() + 1), 1);
        } else {
            prefixes(NO_PREFIX, 0, 0x0f80 + condition.ordinal());
            displacement32(target);
        }
    }

    /** Jcc rel32 to a host address. */
    public void j(Cond condition, long target) {
        prefixes(NO_PREFIX, 0, 0x0f80 + condition.ordinal());
        displacement32(target, 0);
    }

    /** CALL r/m64: opcode FFh /2. */
    public void call(Rm target) {
        modRm(NO_PREFIX, 0, 0xff, 2, target, 0);
    }

    /** JMP m16:32: a far jump through memory, opcode FFh /5. */
    public void jmpFar(Memory target) {
        modRm(NO_PREFIX, 0, 0xff, 5, target, 0);
    }

    /** SYSCALL. */
    public void syscall() {
        prefixes(NO_PREFIX, 0, 0x0f05);
    }

    /** RET. */
    public void ret() {
        prefixes(NO_PREFIX, 0, 0xc3);
    }

    // Flags and processor state

    /** CLD. */
    public void cld() {
        prefixes(NO_PREFIX, 0, 0xfc);
    }

    /** FXSAVE64: the image of x87, MMX, SSE and MXCSR, 512 bytes, 16-byte aligned. */
    public void fxsave64(Memory to) {
        modRm(NO_PREFIX, 8, 0x0fae, 0, to, 0);
    }

    /** FXRSTOR64. */
    public void fxrstor64(Memory from) {
        modRm(NO_PREFIX, 8, 0x0fae, 1, from, 0);
    }

    /** LDMXCSR m32. */
    public void ldmxcsr(Memory from) {
        modRm(NO_PREFIX, 0, 0x0fae, 2, from, 0);
    }

    /** STMXCSR m32. */
    public void stmxcsr(Memory to) {
        modRm(NO_PREFIX, 0, 0x0fae, 3, to, 0);
    }

    /** FLDCW m16. */
    public void fldcw(Memory from) {
        modRm(NO_PREFIX, 0, 0xd9, 5, from, 0);
    }

    /** FNSTCW m16. */
    public void fnstcw(Memory to) {
        modRm(NO_PREFIX, 0, 0xd9, 7, to, 0);
    }

    /** FNINIT. */
    public void fninit() {
        bytes((byte) 0xdb, (byte) 0xe3);
    }

    /** The eight operations of opcodes 00h to 3Fh, in the order of their opcode extensions. */
    public enum Alu { ADD, OR, ADC, SBB, AND, SUB, XOR, CMP }

    private boolean reachesShort(Label target) {
        return target.isBound() && target.position() - (length() + 2) >= Byte.MIN_VALUE;
    }

    /** An instruction whose opcode's bit 0 tells bytes from larger operands. */
    private void integer(Size size, int byteOpcode, int reg, Rm rm, int immediateBytes) {
        modRm(prefixFor(size), rexFor(size, reg, rm), byteOpcode | wide(size), reg, rm, immediateBytes);
    }

    private static int wide(Size size) {
        return size == Size.BYTE ? 0 : WORD_OR_MORE;
    }

    private static int immediateBytes(Size size) {
        return Math.min(size.bytes(), 4);
    }
}
