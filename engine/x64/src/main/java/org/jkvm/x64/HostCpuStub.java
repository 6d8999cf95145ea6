package org.jkvm.x64;

import static org.jkvm.x64.Size.QWORD;

/**
 * The generated code around {@link HostCpu}'s instruction: a function of the System V calling convention that saves what
 * its caller owns (System V ABI AMD64, section 3.2.1), loads every register, and undoes that on the way back.
 */
final class HostCpuStub {
    private static final Gpr[] CALLEE_SAVED = {Gpr.RBX, Gpr.RBP, Gpr.R12, Gpr.R13, Gpr.R14, Gpr.R15};
    /** Room for MXCSR and the x87 control word. */
    private static final int FRAME = 8;

    private final long before;
    private final long after;
    private final RipRelative hostRsp;

    HostCpuStub(long before, long after, long control) {
        this.before = before;
        this.after = after;
        this.hostRsp = new RipRelative(control);
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
        a.mov(QWORD, hostRsp, Gpr.RSP);
        a.fxrstor64(new RipRelative(before + HostRegisters.FX));
        a.push(new RipRelative(before + HostRegisters.RFLAGS));
        a.popfq();
        for (Gpr register : Gpr.values()) {
            a.mov(QWORD, register, general(before, register));
        }
        a.jmp(slot);
        return a.toByteArray();
    }

    /** A way out, returning {@code code}. Up to PUSHFQ nothing may change the flags. */
    byte[] exit(long origin, int code) {
        Assembler a = new Assembler(origin);
        for (Gpr register : Gpr.values()) {
            a.mov(QWORD, general(after, register), register);
        }
        a.mov(QWORD, Gpr.RSP, hostRsp);
        a.pushfq();
        a.pop(new RipRelative(after + HostRegisters.RFLAGS));
        a.fxsave64(new RipRelative(after + HostRegisters.FX));
        a.fninit();
        a.ldmxcsr(Mem.at(Gpr.RSP));
        a.fldcw(Mem.at(Gpr.RSP, 4));
        a.add(QWORD, Gpr.RSP, FRAME);
        a.popfq();
        for (int i = CALLEE_SAVED.length - 1; i >= 0; i--) {
            a.pop(CALLEE_SAVED[i]);
        }
        a.mov(Gpr.RAX, code);
        a.ret();
        return a.toByteArray();
    }

    private static RipRelative general(long block, Gpr register) {
        return new RipRelative(block + HostRegisters.GENERAL + 8L * register.number());
    }
}
