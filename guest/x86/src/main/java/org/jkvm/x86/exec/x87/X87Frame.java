package org.jkvm.x86.exec.x87;

import org.jkvm.x86.fp.Float80;
import org.jkvm.x86.fp.FpEnv;

/**
 * What every x87 instruction does around its own work: stack checks, flags, results, pops (SDM vol. 1, chapter 8). Used by
 * one thread.
 *
 * <p>An exception that is unmasked sets ES and B; raising it is the next waiting instruction's business. If it is one of the
 * pre-computation exceptions, or an overflow or underflow on the way to memory, the instruction changes nothing else: no
 * result, no pop (SDM vol. 1, 8.5).
 */
abstract class X87Frame {
    final X87State state;
    final FpEnv env = FpEnv.x87();
    final Float80 x = new Float80();
    final Float80 y = new Float80();
    final Float80 z = new Float80();
    private int loadedControl = -1;
    private int stackFault;

    X87Frame(X87State state) {
        this.state = state;
    }

    /** The registers. */
    public X87State state() {
        return state;
    }

    /** Starts an instruction: takes over the control word, forgets the last one's flags. */
    final void begin() {
        int control = state.control();
        if (control != loadedControl) {
            env.loadControlWord(control);
            loadedControl = control;
        }
        env.clear();
        stackFault = 0;
    }

    /** Commits the flags and C1; returns whether results may be stored. */
    final boolean settle() {
        return settle(0, 0);
    }

    /** As {@link #settle()}, and where results may be stored, replaces the condition codes in {@code mask}. */
    final boolean settle(int mask, int codes) {
        int status = state.status() & ~X87State.C1 | env.flags() | stackFault;
        if (env.roundedUp() && (env.flags() & FpEnv.PE) != 0) {
            status |= X87State.C1;
        }
        boolean stores = (env.unmasked() & FpEnv.PRE_COMPUTATION) == 0;
        state.setStatus(stores ? status & ~mask | codes : status);
        return stores;
    }

    /** Whether ST(i) is empty: stack underflow, #IS with C1 = 0 (SDM vol. 1, 8.5.1.1). */
    final boolean underflows(int i) {
        if (!state.isEmpty(i)) {
            return false;
        }
        env.setFlags(FpEnv.IE);
        stackFault = X87State.SF;
        return true;
    }

    final boolean underflows(int i, int j) {
        return underflows(i) || underflows(j);
    }

    /** Whether a push would overwrite a register: #IS with C1 = 1. */
    final boolean overflows() {
        if (state.isEmpty(7)) {
            return false;
        }
        env.setFlags(FpEnv.IE);
        stackFault = X87State.SF | X87State.C1;
        return true;
    }

    /** Stores z, or the indefinite after a stack fault, in ST(to), unless an exception forbids it. */
    final void commit(int to, boolean pop) {
        commit(to, pop, 0, 0);
    }

    /** As {@link #commit(int, boolean)}, and replaces the condition codes in {@code mask}. */
    final void commit(int to, boolean pop, int mask, int codes) {
        if (stackFault != 0) {
            z.setIndefinite();
        }
        if (settle(mask, codes)) {
            state.store(to, z);
            popIf(pop);
        }
    }

    final void popIf(boolean pop) {
        if (pop) {
            pop();
        }
    }

    final void pop() {
        state.free(0);
        state.rotate(1);
    }

    /** Pushes z, or the indefinite after a stack fault, if no exception forbids it. */
    final void commitPush() {
        if (stackFault != 0) {
            z.setIndefinite();
        }
        if (settle()) {
            push(z);
        }
    }

    final void push(Float80 value) {
        state.rotate(-1);
        state.store(0, value);
    }

    /** ST(0) becomes y, then z is pushed. */
    final void commitPair() {
        if (stackFault != 0) {
            y.setIndefinite();
            z.setIndefinite();
        }
        if (settle()) {
            state.store(0, y);
            push(z);
        }
    }
}
