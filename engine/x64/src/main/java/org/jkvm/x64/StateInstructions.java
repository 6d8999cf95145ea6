package org.jkvm.x64;

/** Flags, processor state, fences, and moves of vector registers. */
public abstract sealed class StateInstructions extends BitInstructions permits ControlInstructions {
    StateInstructions(long origin) {
        super(origin);
    }

    /** Instructions without operands, in the order of the SDM. */
    public enum Plain {
        CLC(0xf8), CLD(0xfc), CMC(0xf5), CPUID(0x0fa2), EMMS(0x0f77), FNINIT(0xdbe3), FWAIT(0x9b), INT3(0xcc), LAHF(0x9f),
        LFENCE(0x0faee8), MFENCE(0x0faef0), NOP(0x90), PAUSE(0xf390), RDTSC(0x0f31), RDTSCP(0x0f01f9), SAHF(0x9e),
        SFENCE(0x0faef8), STC(0xf9), STD(0xfd), SYSCALL(0x0f05), UD2(0x0f0b), VZEROUPPER(0xc5f877), XGETBV(0x0f01d0);

        private final int bytes;

        Plain(int bytes) {
            this.bytes = bytes;
        }
    }

    /** An instruction without operands. */
    public final void plain(Plain instruction) {
        prefixes(NO_PREFIX, 0, instruction.bytes);
    }

    /** SYSCALL. */
    public final void syscall() {
        plain(Plain.SYSCALL);
    }

    /** CLD. */
    public final void cld() {
        plain(Plain.CLD);
    }

    /** LAHF: AH becomes SF, ZF, AF, PF and CF. */
    public final void lahf() {
        plain(Plain.LAHF);
    }

    /** SAHF. */
    public final void sahf() {
        plain(Plain.SAHF);
    }

    /** FNINIT. */
    public final void fninit() {
        plain(Plain.FNINIT);
    }

    /** RDRAND: opcode 0FC7h /6. */
    public final void rdrand(Size size, Gpr to) {
        modRm(prefixFor(size), rexFor(size, 0, to), 0x0fc7, 6, to, 0);
    }

    /** RDSEED: opcode 0FC7h /7. */
    public final void rdseed(Size size, Gpr to) {
        modRm(prefixFor(size), rexFor(size, 0, to), 0x0fc7, 7, to, 0);
    }

    /** PREFETCHT0: opcode 0F18h /1. */
    public final void prefetcht0(Memory address) {
        modRm(NO_PREFIX, 0, 0x0f18, 1, address, 0);
    }

    /** CLFLUSH: opcode 0FAEh /7. */
    public final void clflush(Memory address) {
        modRm(NO_PREFIX, 0, 0x0fae, 7, address, 0);
    }

    /** FXSAVE64: the image of x87, MMX, SSE and MXCSR, 512 bytes, 16-byte aligned. */
    public final void fxsave64(Memory to) {
        modRm(NO_PREFIX, 8, 0x0fae, 0, to, 0);
    }

    /** FXRSTOR64. */
    public final void fxrstor64(Memory from) {
        modRm(NO_PREFIX, 8, 0x0fae, 1, from, 0);
    }

    /** LDMXCSR m32. */
    public final void ldmxcsr(Memory from) {
        modRm(NO_PREFIX, 0, 0x0fae, 2, from, 0);
    }

    /** STMXCSR m32. */
    public final void stmxcsr(Memory to) {
        modRm(NO_PREFIX, 0, 0x0fae, 3, to, 0);
    }

    /** XSAVE64: the components that EDX:EAX names, 64-byte aligned. */
    public final void xsave64(Memory to) {
        modRm(NO_PREFIX, 8, 0x0fae, 4, to, 0);
    }

    /** XRSTOR64. */
    public final void xrstor64(Memory from) {
        modRm(NO_PREFIX, 8, 0x0fae, 5, from, 0);
    }

    /** XSAVEOPT64. */
    public final void xsaveopt64(Memory to) {
        modRm(NO_PREFIX, 8, 0x0fae, 6, to, 0);
    }

    /** FLDCW m16. */
    public final void fldcw(Memory from) {
        modRm(NO_PREFIX, 0, 0xd9, 5, from, 0);
    }

    /** FNSTCW m16. */
    public final void fnstcw(Memory to) {
        modRm(NO_PREFIX, 0, 0xd9, 7, to, 0);
    }

    // Vector registers

    /** MOVD xmm, r/m32: opcode 66 0F6Eh. */
    public final void movd(Xmm to, Rm from) {
        modRm(0x66, 0, 0x0f6e, to.number(), from, 0);
    }

    /** MOVD r/m32, xmm: opcode 66 0F7Eh. */
    public final void movd(Rm to, Xmm from) {
        modRm(0x66, 0, 0x0f7e, from.number(), to, 0);
    }

    /** MOVQ xmm, r64: opcode 66 REX.W 0F6Eh. */
    public final void movq(Xmm to, Gpr from) {
        modRm(0x66, 8, 0x0f6e, to.number(), from, 0);
    }

    /** MOVQ r64, xmm: opcode 66 REX.W 0F7Eh. */
    public final void movq(Gpr to, Xmm from) {
        modRm(0x66, 8, 0x0f7e, from.number(), to, 0);
    }

    /** MOVQ xmm, m64: opcode F3 0F7Eh. */
    public final void movq(Xmm to, Memory from) {
        modRm(0xf3, 0, 0x0f7e, to.number(), from, 0);
    }

    /** MOVQ m64, xmm: opcode 66 0FD6h. */
    public final void movq(Memory to, Xmm from) {
        modRm(0x66, 0, 0x0fd6, from.number(), to, 0);
    }

    /** MOVDQA from a register or 16-byte aligned memory: opcode 66 0F6Fh. */
    public final void movdqa(Xmm to, Rm from) {
        modRm(0x66, 0, 0x0f6f, to.number(), from, 0);
    }

    /** MOVDQA to 16-byte aligned memory: opcode 66 0F7Fh. */
    public final void movdqa(Memory to, Xmm from) {
        modRm(0x66, 0, 0x0f7f, from.number(), to, 0);
    }

    /** MOVUPS: opcode 0F10h. */
    public final void movups(Xmm to, Rm from) {
        modRm(NO_PREFIX, 0, 0x0f10, to.number(), from, 0);
    }

    /** MOVUPS: opcode 0F11h. */
    public final void movups(Memory to, Xmm from) {
        modRm(NO_PREFIX, 0, 0x0f11, from.number(), to, 0);
    }
}
