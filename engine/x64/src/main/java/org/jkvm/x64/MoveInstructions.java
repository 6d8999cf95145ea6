package org.jkvm.x64;

/** Moves between general-purpose registers, memory and stack, with conditions or atomically. */
public abstract sealed class MoveInstructions extends Encoder permits ArithmeticInstructions {
    MoveInstructions(long origin) {
        super(origin);
    }

    /** MOV: opcodes 88h, 89h. */
    public final void mov(Size size, Rm to, Gpr from) {
        integer(size, 0x88, from.number(), to, 0);
    }

    /** MOV: opcodes 8Ah, 8Bh. */
    public final void mov(Size size, Gpr to, Memory from) {
        integer(size, 0x8a, to.number(), from, 0);
    }

    /** MOV r/m, imm: opcodes C6h, C7h /0; a 64-bit operand takes a sign-extended 32-bit immediate. */
    public final void mov(Size size, Rm to, int immediate) {
        int bytes = immediateBytes(size);
        integerExtension(size, 0xc6, 0, to, bytes);
        immediate(immediate, bytes);
    }

    /** MOV r64, imm64 in its shortest form: B8h with 32 or 64 bits, or C7h sign-extended. */
    public final void mov(Gpr to, long immediate) {
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

    /**
     * MOV r64, imm64, its immediate at a multiple of 8 for {@link CodeCache#patchLong}.
     *
     * @return host address of the immediate
     */
    public final long movPatchable(Gpr to, long immediate) {
        align(8, 2);
        opcodeReg(NO_PREFIX, 8, 0xb8, to);
        long at = address();
        immediate(immediate, 8);
        return at;
    }

    /** MOV Sreg, r/m16: opcode 8Eh. */
    public final void mov(Segment to, Gpr from) {
        modRm(NO_PREFIX, 0, 0x8e, to.ordinal(), from, 0);
    }

    /** MOVZX from a byte or word: opcodes 0FB6h, 0FB7h. */
    public final void movzx(Size size, Gpr to, Size fromSize, Rm from) {
        extend(size, 0x0fb6, to, fromSize, from);
    }

    /** MOVSX from a byte or word: opcodes 0FBEh, 0FBFh. */
    public final void movsx(Size size, Gpr to, Size fromSize, Rm from) {
        extend(size, 0x0fbe, to, fromSize, from);
    }

    private void extend(Size size, int opcode, Gpr to, Size fromSize, Rm from) {
        int rex = rexFor(size, 0, to) | (fromSize == Size.BYTE ? rexFor(Size.BYTE, 0, from) : 0);
        modRm(prefixFor(size), rex, opcode | wide(fromSize), to.number(), from, 0);
    }

    /** MOVSXD r64, r/m32: opcode 63h. */
    public final void movsxd(Gpr to, Rm from) {
        modRm(NO_PREFIX, 8, 0x63, to.number(), from, 0);
    }

    /** MOVBE from memory: opcode 0F38F0h. */
    public final void movbe(Size size, Gpr to, Memory from) {
        modRm(prefixFor(size), rexFor(size, to.number(), from), 0x0f38f0, to.number(), from, 0);
    }

    /** MOVBE to memory: opcode 0F38F1h. */
    public final void movbe(Size size, Memory to, Gpr from) {
        modRm(prefixFor(size), rexFor(size, from.number(), to), 0x0f38f1, from.number(), to, 0);
    }

    /** MOVNTI: opcode 0FC3h, for 32 and 64 bits. */
    public final void movnti(Size size, Memory to, Gpr from) {
        modRm(NO_PREFIX, rexFor(size, from.number(), to), 0x0fc3, from.number(), to, 0);
    }

    /** LEA: opcode 8Dh. */
    public final void lea(Size size, Gpr to, Memory address) {
        integer(size, 0x8c, to.number(), address, 0);
    }

    /** BSWAP: opcode 0FC8h+r, for 32 and 64 bits. */
    public final void bswap(Size size, Gpr register) {
        opcodeReg(NO_PREFIX, rexFor(size, 0, register), 0x0fc8, register);
    }

    /** PUSH r64: opcode 50h+r. */
    public final void push(Gpr register) {
        opcodeReg(NO_PREFIX, 0, 0x50, register);
    }

    /** PUSH m64: opcode FFh /6. */
    public final void push(Rm from) {
        modRm(NO_PREFIX, 0, 0xff, 6, from, 0);
    }

    /** PUSH imm8 or imm32, sign-extended: opcodes 6Ah, 68h. */
    public final void push(int immediate) {
        boolean small = immediate == (byte) immediate;
        prefixes(NO_PREFIX, 0, small ? 0x6a : 0x68);
        immediate(immediate, small ? 1 : 4);
    }

    /** POP r64: opcode 58h+r. */
    public final void pop(Gpr register) {
        opcodeReg(NO_PREFIX, 0, 0x58, register);
    }

    /** POP m64: opcode 8Fh /0. */
    public final void pop(Rm to) {
        modRm(NO_PREFIX, 0, 0x8f, 0, to, 0);
    }

    /** PUSHFQ. */
    public final void pushfq() {
        prefixes(NO_PREFIX, 0, 0x9c);
    }

    /** POPFQ. */
    public final void popfq() {
        prefixes(NO_PREFIX, 0, 0x9d);
    }

    /** ENTER with 64-bit operands. */
    public final void enter(int bytes, int level) {
        prefixes(NO_PREFIX, 0, 0xc8);
        immediate(bytes, 2);
        immediate(level, 1);
    }

    /** LEAVE with 64-bit operands. */
    public final void leave() {
        prefixes(NO_PREFIX, 0, 0xc9);
    }

    /** CMOVcc: opcode 0F40h+cc; not for bytes. */
    public final void cmov(Cond condition, Size size, Gpr to, Rm from) {
        modRm(prefixFor(size), rexFor(size, to.number(), from), 0x0f40 + condition.ordinal(), to.number(), from, 0);
    }

    /** SETcc: opcode 0F90h+cc. */
    public final void set(Cond condition, Rm to) {
        modRm(NO_PREFIX, rexFor(Size.BYTE, 0, to), 0x0f90 + condition.ordinal(), 0, to, 0);
    }

    // Atomic with memory; all but XCHG only behind LOCK

    /** LOCK before the next instruction. */
    public final void lock() {
        immediate(0xf0, 1);
    }

    /** XCHG: opcodes 86h, 87h; with memory it is atomic without LOCK. */
    public final void xchg(Size size, Rm left, Gpr right) {
        integer(size, 0x86, right.number(), left, 0);
    }

    /** XADD: opcodes 0FC0h, 0FC1h. */
    public final void xadd(Size size, Rm to, Gpr from) {
        integer(size, 0x0fc0, from.number(), to, 0);
    }

    /** CMPXCHG with AL to RAX: opcodes 0FB0h, 0FB1h. */
    public final void cmpxchg(Size size, Rm to, Gpr from) {
        integer(size, 0x0fb0, from.number(), to, 0);
    }

    /** CMPXCHG8B m64 with EDX:EAX: opcode 0FC7h /1. */
    public final void cmpxchg8b(Memory to) {
        modRm(NO_PREFIX, 0, 0x0fc7, 1, to, 0);
    }

    /** CMPXCHG16B m128 with RDX:RAX, 16-byte aligned: opcode 0FC7h /1 with REX.W. */
    public final void cmpxchg16b(Memory to) {
        modRm(NO_PREFIX, 8, 0x0fc7, 1, to, 0);
    }

    // String instructions, through RSI and RDI

    /** MOVS. */
    public final void movs(Rep rep, Size size) {
        string(rep, size, 0xa4);
    }

    /** CMPS. */
    public final void cmps(Rep rep, Size size) {
        string(rep, size, 0xa6);
    }

    /** STOS. */
    public final void stos(Rep rep, Size size) {
        string(rep, size, 0xaa);
    }

    /** LODS. */
    public final void lods(Rep rep, Size size) {
        string(rep, size, 0xac);
    }

    /** SCAS. */
    public final void scas(Rep rep, Size size) {
        string(rep, size, 0xae);
    }

    /** XLATB, through RBX. */
    public final void xlatb() {
        prefixes(NO_PREFIX, 0, 0xd7);
    }

    private void string(Rep rep, Size size, int opcode) {
        int prefix = rep == Rep.ONCE ? prefixFor(size) : prefixFor(size) << 8 | rep.prefix();
        prefixes(prefix, rexFor(size, 0, Gpr.RAX), opcode | wide(size));
    }

    /** An instruction whose opcode's bit 0 tells bytes from larger operands. */
    final void integer(Size size, int byteOpcode, int reg, Rm rm, int immediateBytes) {
        modRm(prefixFor(size), rexFor(size, reg, rm), byteOpcode | wide(size), reg, rm, immediateBytes);
    }

    /** The same with an opcode extension in ModRM.reg. */
    final void integerExtension(Size size, int byteOpcode, int extension, Rm rm, int immediateBytes) {
        modRm(prefixFor(size), rexFor(size, 0, rm), byteOpcode | wide(size), extension, rm, immediateBytes);
    }

    static int wide(Size size) {
        return size == Size.BYTE ? 0 : 1;
    }

    static int immediateBytes(Size size) {
        return Math.min(size.bytes(), 4);
    }
}
