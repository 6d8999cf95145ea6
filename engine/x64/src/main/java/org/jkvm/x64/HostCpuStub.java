package org.jkvm.x64;

import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;

/**
 * The generated code around {@link HostCpu}'s instruction: a function of the System V calling convention that saves what
 * its caller owns (System V ABI AMD64, section 3.2.1), gives signals a stack in the cell, loads every register, and
 * undoes all that on the way back.
 */
final class HostCpuStub {
    private static final Gpr[] CALLEE_SAVED = {Gpr.RBX, Gpr.RBP, Gpr.R12, Gpr.R13, Gpr.R14, Gpr.R15};
    /** Room for MXCSR and the x87 control word. */
    private static final int FRAME = 8;
    /** Number of sigaltstack(2) on x86-64 (asm/unistd_64.h). */
    private static final int SYS_SIGALTSTACK = 131;
    /** Selector of flat user data on Linux (asm/segment.h, __USER_DS). */
    static final int USER_DS = 0x2b;

    // Control words of a cell: the stub's own
    private static final int HOST_RSP = 0;
    /** Where the instruction is, as m16:32. */
    static final int SLOT_POINTER = 8;
    /** The stack_t for the time that the instruction runs; 24 bytes. */
    static final int SIGNAL_STACK = 0x80;
    private static final int HOST_SIGNAL_STACK = 0xa0;

    /** Components of XSAVE: x87, SSE and AVX (Intel SDM vol. 1, section 13.1). */
    private static final int COMPONENTS = 7;

    private final HostCpu.Mode mode;
    private final boolean avx = HostFeatures.hasAvx();
    private final long before;
    private final long after;
    private final long control;
    private final int dataSelector;

    /** {@code dataSelector} is what DS, ES and, in 16-bit mode, SS hold while the instruction runs. */
    HostCpuStub(HostCpu.Mode mode, int dataSelector, long before, long after, long control) {
        this.mode = mode;
        this.dataSelector = dataSelector;
        this.before = before;
        this.after = after;
        this.control = control;
    }

    /** The way in, ending with a jump to {@code slot}. */
    byte[] entry(long origin, long slot) {
        Assembler a = new Assembler(origin);
        for (Gpr register : CALLEE_SAVED) {
            a.push(register);
        }
        a.pushfq();
        a.sub(QWORD, Gpr.RSP, FRAME);
        a.stmxcsr(Mem.at(Gpr.RSP));
        a.fnstcw(Mem.at(Gpr.RSP, 4));
        a.mov(QWORD, word(HOST_RSP), Gpr.RSP);
        signalStack(a);
        dataSegments(a, dataSelector);
        loadVectors(a);
        a.push(new RipRelative(before + HostRegisters.RFLAGS));
        a.popfq();
        if (mode == HostCpu.Mode.PROTECTED_16) {
            load(a, Segment.SS, dataSelector);
        }
        for (Gpr register : Gpr.values()) {
            a.mov(QWORD, register, general(before, register));
        }
        switch (mode) {
            case LONG_64 -> a.jmp(slot);
            case PROTECTED_32, PROTECTED_16 -> a.jmpFar(word(SLOT_POINTER));
        }
        return a.toByteArray();
    }

    /** A way out in 64-bit mode, returning {@code code}. Up to PUSHFQ nothing may change the flags. */
    byte[] exit(long origin, int code) {
        Assembler a = new Assembler(origin);
        for (Gpr register : Gpr.values()) {
            a.mov(QWORD, general(after, register), register);
        }
        if (mode == HostCpu.Mode.PROTECTED_16) {
            load(a, Segment.SS, USER_DS);
        }
        a.mov(QWORD, Gpr.RSP, word(HOST_RSP));
        a.pushfq();
        a.pop(new RipRelative(after + HostRegisters.RFLAGS));
        saveVectors(a);
        a.fninit();
        a.ldmxcsr(Mem.at(Gpr.RSP));
        a.fldcw(Mem.at(Gpr.RSP, 4));
        dataSegments(a, 0);
        restoreSignalStack(a);
        a.add(QWORD, Gpr.RSP, FRAME);
        a.popfq();
        for (int i = CALLEE_SAVED.length - 1; i >= 0; i--) {
            a.pop(CALLEE_SAVED[i]);
        }
        a.mov(Gpr.RAX, code);
        a.ret();
        return a.toByteArray();
    }

    /** What follows the instruction, or stands at the branch target: a jump to {@code exit} that changes no flag. */
    byte[] leave(long origin, long exit) {
        Assembler a = new Assembler(origin);
        switch (mode) {
            case LONG_64 -> a.jmp(exit);
            case PROTECTED_32 -> farJump(a, exit);
            case PROTECTED_16 -> {
                a.bytes((byte) 0x66);
                farJump(a, exit);
            }
        }
        return a.toByteArray();
    }

    /** JMP ptr16:32, which 64-bit mode does not have. */
    private static void farJump(Assembler a, long exit) {
        a.bytes((byte) 0xea);
        a.immediate(exit, 4);
        a.immediate(HostFaults.USER_CS, 2);
    }

    private void loadVectors(Assembler a) {
        RipRelative image = new RipRelative(before + HostRegisters.FX);
        if (avx) {
            a.mov(DWORD, Gpr.RAX, COMPONENTS);
            a.xor(DWORD, Gpr.RDX, Gpr.RDX);
            a.xrstor64(image);
        } else {
            a.fxrstor64(image);
        }
    }

    /** Upper halves are left clear, for the SSE code of others (Intel SDM vol. 1, section 15.3). */
    private void saveVectors(Assembler a) {
        RipRelative image = new RipRelative(after + HostRegisters.FX);
        if (avx) {
            a.mov(DWORD, Gpr.RAX, COMPONENTS);
            a.xor(DWORD, Gpr.RDX, Gpr.RDX);
            a.xsave64(image);
            a.plain(StateInstructions.Plain.VZEROUPPER);
        } else {
            a.fxsave64(image);
        }
    }

    private void signalStack(Assembler a) {
        a.lea(QWORD, Gpr.RDI, word(SIGNAL_STACK));
        a.lea(QWORD, Gpr.RSI, word(HOST_SIGNAL_STACK));
        a.mov(Gpr.RAX, SYS_SIGALTSTACK);
        a.syscall();
    }

    private void restoreSignalStack(Assembler a) {
        a.lea(QWORD, Gpr.RDI, word(HOST_SIGNAL_STACK));
        a.xor(DWORD, Gpr.RSI, Gpr.RSI);
        a.mov(Gpr.RAX, SYS_SIGALTSTACK);
        a.syscall();
    }

    /** Left null in 64-bit mode, where they do not matter. */
    private void dataSegments(Assembler a, int selector) {
        if (mode != HostCpu.Mode.LONG_64) {
            load(a, Segment.DS, selector);
            load(a, Segment.ES, selector);
        }
    }

    /** Loads a segment register by way of RAX, changing no flag. */
    private static void load(Assembler a, Segment segment, int selector) {
        a.mov(DWORD, Gpr.RAX, selector);
        a.mov(segment, Gpr.RAX);
    }

    private RipRelative word(int offset) {
        return new RipRelative(control + offset);
    }

    private static RipRelative general(long block, Gpr register) {
        return new RipRelative(block + HostRegisters.GENERAL + 8L * register.number());
    }
}
