package org.jkvm.x86.exec.x87;

import org.jkvm.x86.fp.Float80;
import org.jkvm.x86.fp.Float80Math;
import org.jkvm.x86.fp.FpOrder;

/** Comparisons and classification of the x87 unit (SDM vol. 1, 8.3.6). */
abstract class X87Comparison extends X87Transfer {
    /** The flags of {@link #compareFlags} stay. */
    public static final int NO_ORDER = -2;
    /** The condition codes of a comparison. */
    static final int CODES = X87State.C0 | X87State.C2 | X87State.C3;

    X87Comparison(X87State state) {
        super(state);
    }

    /** FCOM, FUCOM (not {@code signalling}) with ST(i), and 0 to 2 pops. */
    public void compare(int i, boolean signalling, int pops) {
        begin();
        int order = compareRegisters(i, signalling);
        commitOrder(order, pops);
    }

    private int compareRegisters(int i, boolean signalling) {
        if (underflows(0, i)) {
            return FpOrder.UNORDERED;
        }
        state.load(0, x);
        state.load(i, y);
        return Float80Math.compare(env, x, y, signalling);
    }

    /** FCOM m32fp. */
    public void compareFloat32(int bits, boolean pop) {
        begin();
        int order = FpOrder.UNORDERED;
        if (!underflows(0)) {
            state.load(0, x);
            order = Float80Math.compareFloat32(env, x, bits);
        }
        commitOrder(order, pop ? 1 : 0);
    }

    /** FCOM m64fp. */
    public void compareFloat64(long bits, boolean pop) {
        begin();
        int order = FpOrder.UNORDERED;
        if (!underflows(0)) {
            state.load(0, x);
            order = Float80Math.compareFloat64(env, x, bits);
        }
        commitOrder(order, pop ? 1 : 0);
    }

    /** FICOM, and FTST with 0. */
    public void compareInteger(long value, boolean pop) {
        begin();
        int order = FpOrder.UNORDERED;
        if (!underflows(0)) {
            state.load(0, x);
            order = Float80Math.compareInteger(env, x, value);
        }
        commitOrder(order, pop ? 1 : 0);
    }

    private void commitOrder(int order, int pops) {
        if (settle(CODES, conditionCodes(order))) {
            for (int n = 0; n < pops; n++) {
                pop();
            }
        }
    }

    /** SDM vol. 1, table 8-6. */
    private static int conditionCodes(int order) {
        return switch (order) {
            case FpOrder.LESS -> X87State.C0;
            case FpOrder.EQUAL -> X87State.C3;
            case FpOrder.GREATER -> 0;
            default -> CODES;
        };
    }

    /**
     * FCOMI, FUCOMI with ST(i).
     *
     * @return an {@link FpOrder} for ZF, PF and CF, or {@link #NO_ORDER} if the flags stay
     */
    public int compareFlags(int i, boolean signalling, boolean pop) {
        begin();
        int order = compareRegisters(i, signalling);
        if (!settle()) {
            return NO_ORDER;
        }
        popIf(pop);
        return order;
    }

    /** FXAM (SDM vol. 2, table 3-42); an empty register is no exception. */
    public void examine() {
        state.load(0, x);
        int codes = state.isEmpty(0) ? X87State.C3 | X87State.C0 : examine(x);
        int rest = state.status() & ~(X87State.C0 | X87State.C1 | X87State.C2 | X87State.C3);
        state.setStatus(rest | codes | (x.isNegative() ? X87State.C1 : 0));
    }

    private static int examine(Float80 value) {
        int exponent = value.biasedExponent();
        long significand = value.significand();
        if (exponent == 0) {
            return significand == 0 ? X87State.C3 : X87State.C3 | X87State.C2;
        }
        if (significand >= 0) {
            return 0;
        }
        if (exponent == 0x7fff) {
            return significand == Long.MIN_VALUE ? X87State.C2 | X87State.C0 : X87State.C0;
        }
        return X87State.C2;
    }
}
