package org.jkvm.x86.exec.x87;

import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.fp.Float80;
import org.jkvm.x86.isa.Handler;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;

/**
 * Handlers of the x87 control instructions (SDM vol. 1, 8.3.11). They leave the pointers to the last instruction alone;
 * those with an N in their names ignore pending errors.
 */
public final class X87Control {
    private static final int REGISTER_BYTES = 10;
    private static final int ALL_MASKED = 0x3f;

    private X87Control() {
    }

    /** FWAIT: #NM only if CR0.MP and CR0.TS are both set. */
    public static void fwait(X86Cpu c, Insn i) {
        long both = Control.CR0_MP | Control.CR0_TS;
        if ((c.control(0) & both) == both) {
            throw c.fault(Vector.NM);
        }
        if (c.x87.state().isPending()) {
            X87Ops.raisePending(c);
        }
    }

    /** A waiting instruction on the stack's shape: FFREE, FINCSTP, FDECSTP, FNOP. */
    public static Handler stack(X87Ops.Work work) {
        return (c, i) -> work.run(X87Ops.waiting(c), i);
    }

    /** FNCLEX. */
    public static void fnclex(X86Cpu c, Insn i) {
        X87Ops.requireUnit(c);
        c.x87.clearExceptions();
        releaseFerr(c);
    }

    /** FNINIT. */
    public static void fninit(X86Cpu c, Insn i) {
        X87Ops.requireUnit(c);
        c.x87.state().initialize();
        releaseFerr(c);
    }

    private static void releaseFerr(X86Cpu c) {
        if ((c.control(0) & Control.CR0_NE) == 0) {
            c.bus.setFerr(false);
        }
    }

    /** FNDISI, FNENI, FNSETPM of the 8087 and 287: nothing since the 387. */
    public static void ignored(X86Cpu c, Insn i) {
        X87Ops.requireUnit(c);
    }

    /** FLDCW. */
    public static void fldcw(X86Cpu c, Insn i) {
        X87Unit unit = X87Ops.waiting(c);
        unit.state().setControl((int) c.load(i, 2));
    }

    /** FNSTCW. */
    public static void fnstcw(X86Cpu c, Insn i) {
        X87Ops.requireUnit(c);
        c.store(i, 2, c.x87.state().control());
    }

    /** FNSTSW m16. */
    public static void fnstsw(X86Cpu c, Insn i) {
        X87Ops.requireUnit(c);
        c.store(i, 2, c.x87.state().status());
    }

    /** FNSTSW AX. */
    public static void fnstswAx(X86Cpu c, Insn i) {
        X87Ops.requireUnit(c);
        c.setReg(CpuState.GENERAL, 2, c.x87.state().status());
    }

    /** FNSTENV: afterwards all exceptions are masked. */
    public static void fnstenv(X86Cpu c, Insn i) {
        X87Ops.requireUnit(c);
        long at = writable(c, i, 0);
        storeEnvironment(c, i, at);
        X87State state = c.x87.state();
        state.setControl(state.control() | ALL_MASKED);
    }

    /** FLDENV. */
    public static void fldenv(X86Cpu c, Insn i) {
        X87Ops.waiting(c);
        long at = c.linearRead(i, environmentBytes(i));
        fetchEnvironment(c, i, at);
        loadEnvironment(c, i);
    }

    /** FNSAVE: environment and registers; afterwards the unit is as after FNINIT. */
    public static void fnsave(X86Cpu c, Insn i) {
        X87Ops.requireUnit(c);
        long at = writable(c, i, 8 * REGISTER_BYTES);
        storeEnvironment(c, i, at);
        long registers = at + environmentBytes(i);
        Float80 value = new Float80();
        for (int n = 0; n < 8; n++) {
            c.x87.state().load(n, value);
            c.mmu.store(registers + REGISTER_BYTES * n, 8, value.significand());
            c.mmu.store(registers + REGISTER_BYTES * n + 8, 2, value.signExponent());
        }
        fninit(c, i);
    }

    /** FRSTOR. */
    public static void frstor(X86Cpu c, Insn i) {
        X87Ops.waiting(c);
        long at = c.linearRead(i, environmentBytes(i) + 8 * REGISTER_BYTES);
        fetchEnvironment(c, i, at);
        Float80[] values = new Float80[8];
        long registers = at + environmentBytes(i);
        for (int n = 0; n < 8; n++) {
            long low = c.mmu.load(registers + REGISTER_BYTES * n, 8);
            values[n] = new Float80((int) c.mmu.load(registers + REGISTER_BYTES * n + 8, 2), low);
        }
        loadEnvironment(c, i);
        int top = c.x87.state().top();
        for (int n = 0; n < 8; n++) {
            c.x87.state().storePhysical(top + n & 7, values[n]);
        }
    }

    private static boolean isWide(Insn i) {
        return i.operandSize != 2;
    }

    private static int environmentBytes(Insn i) {
        return X87Environment.WORDS * (isWide(i) ? 4 : 2);
    }

    /** The linear address of the operand, after any page fault that writing all of it would raise. */
    private static long writable(X86Cpu c, Insn i, int more) {
        int bytes = environmentBytes(i) + more;
        long at = c.linearWrite(i, bytes);
        c.mmu.probeWrite(at, bytes);
        return at;
    }

    private static boolean usesProtectedFormat(X86Cpu c) {
        return c.protectedMode() && !c.virtual8086();
    }

    private static void storeEnvironment(X86Cpu c, Insn i, long at) {
        boolean wide = isWide(i);
        int size = wide ? 4 : 2;
        X87Environment environment = c.x87.environment();
        environment.save(c.x87.state(), wide, usesProtectedFormat(c));
        for (int n = 0; n < X87Environment.WORDS; n++) {
            c.mmu.store(at + size * n, size, environment.word(n));
        }
    }

    private static void fetchEnvironment(X86Cpu c, Insn i, long at) {
        int size = isWide(i) ? 4 : 2;
        for (int n = 0; n < X87Environment.WORDS; n++) {
            c.x87.environment().setWord(n, (int) c.mmu.load(at + size * n, size));
        }
    }

    private static void loadEnvironment(X86Cpu c, Insn i) {
        c.x87.environment().load(c.x87.state(), isWide(i), usesProtectedFormat(c));
    }
}
