package org.jkvm.x86.exec.x87;

import org.jkvm.x86.fp.Arithmetic;
import org.jkvm.x86.fp.Float80;
import org.jkvm.x86.fp.Float80Math;
import org.jkvm.x86.fp.FpEnv;
import org.jkvm.x86.fp.FpOrder;
import org.jkvm.x86.fp.PackedDecimal;
import org.jkvm.x86.fp.Remainder;

/**
 * What x87 instructions do to the register stack and the status word (SDM vol. 1, chapter 8; vol. 2 by mnemonic), apart from
 * fetching operands from memory. Used by one thread.
 *
 * <p>An exception that is unmasked sets ES and B; raising it is the next waiting instruction's business. If it is one of the
 * pre-computation exceptions, or an overflow or underflow on the way to memory, the instruction changes nothing else: no
 * result, no pop (SDM vol. 1, 8.5).
 *
 * <p>Stores to memory come in two halves, so that a page fault between them finds the unit unchanged: {@code convertTo...}
 * computes the {@link #image} and answers whether to write it, {@link #completeStore} commits flags and pops.
 */
public final class X87Unit {
    private static final int STORE_ABORTS = FpEnv.PRE_COMPUTATION | FpEnv.OE | FpEnv.UE;

    private final X87State state;
    private final FpEnv env = FpEnv.x87();
    private final Float80 x = new Float80();
    private final Float80 y = new Float80();
    private final Float80 z = new Float80();
    private final Float80 image = new Float80();
    private int loadedControl = -1;
    private int stackFault;
    private int conditions;

    /** A unit on registers in native memory. */
    public X87Unit(X87State state) {
        this.state = state;
    }

    /** The registers. */
    public X87State state() {
        return state;
    }

    // ---- the frame of every instruction ----

    private void begin() {
        int control = state.control();
        if (control != loadedControl) {
            env.loadControlWord(control);
            loadedControl = control;
        }
        env.clear();
        stackFault = 0;
        conditions = 0;
    }

    /** Commits the flags and C1; returns whether results may be stored. */
    private boolean settle() {
        int status = state.status() & ~X87State.C1 | env.flags() | stackFault;
        if (env.roundedUp() && (env.flags() & FpEnv.PE) != 0) {
            status |= X87State.C1;
        }
        boolean stores = (env.unmasked() & FpEnv.PRE_COMPUTATION) == 0;
        state.setStatus(status);
        return stores;
    }

    private void setConditions(int codes) {
        int all = X87State.C0 | X87State.C2 | X87State.C3;
        state.setStatus(state.status() & ~all | codes);
    }

    /** Whether ST(i) is empty: stack underflow, #IS with C1 = 0 (SDM vol. 1, 8.5.1.1). */
    private boolean underflows(int i) {
        if (!state.isEmpty(i)) {
            return false;
        }
        env.setFlags(FpEnv.IE);
        stackFault = X87State.SF;
        return true;
    }

    private boolean underflows(int i, int j) {
        return underflows(i) || underflows(j);
    }

    /** Whether a push would overwrite a register: #IS with C1 = 1. */
    private boolean overflows() {
        if (state.isEmpty(7)) {
            return false;
        }
        env.setFlags(FpEnv.IE);
        stackFault = X87State.SF | X87State.C1;
        return true;
    }

    private void commit(int to, boolean pop) {
        if (stackFault != 0) {
            z.setIndefinite();
        }
        if (settle()) {
            state.store(to, z);
            popIf(pop);
        }
    }

    private void popIf(boolean pop) {
        if (pop) {
            pop();
        }
    }

    private void pop() {
        state.free(0);
        state.rotate(1);
    }

    private void commitPush() {
        if (stackFault != 0) {
            z.setIndefinite();
        }
        if (settle()) {
            push(z);
        }
    }

    private void push(Float80 value) {
        state.rotate(-1);
        state.store(0, value);
    }

    // ---- loads ----

    /** FLD m32fp. */
    public void loadFloat32(int bits) {
        begin();
        if (!overflows()) {
            Float80Math.fromFloat32(env, bits, z);
        }
        commitPush();
    }

    /** FLD m64fp. */
    public void loadFloat64(long bits) {
        begin();
        if (!overflows()) {
            Float80Math.fromFloat64(env, bits, z);
        }
        commitPush();
    }

    /** FLD m80fp: no operand is an exception. */
    public void loadFloat80(int signExponent, long significand) {
        begin();
        if (!overflows()) {
            z.set(signExponent, significand);
        }
        commitPush();
    }

    /** FILD. */
    public void loadInteger(long value) {
        begin();
        if (!overflows()) {
            Float80Math.fromInteger(env, value, z);
        }
        commitPush();
    }

    /** FBLD; bytes 0 to 7 and 8 to 9 of the operand. */
    public void loadDecimal(long low, int high) {
        begin();
        if (!overflows()) {
            PackedDecimal.load(env, low, high, z);
        }
        commitPush();
    }

    /** FLD ST(i). */
    public void loadRegister(int i) {
        begin();
        if (!underflows(i) && !overflows()) {
            state.load(i, z);
        }
        commitPush();
    }

    /** FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ, by ModRM.rm. */
    public void loadConstant(int which) {
        begin();
        if (!overflows()) {
            Constants.load(which, env.rounding(), z);
        }
        commitPush();
    }

    // ---- stores ----

    /** What a store writes: all 80 bits, or what is narrower in the significand. */
    public Float80 image() {
        return image;
    }

    /** FST m32fp; returns whether to write {@link #image}. */
    public boolean convertToFloat32() {
        begin();
        image.set(0, 0xffc00000L);
        if (!underflows(0)) {
            state.load(0, x);
            image.set(0, Float80Math.toFloat32(env, x));
        }
        return storeProceeds();
    }

    /** FST m64fp; returns whether to write {@link #image}. */
    public boolean convertToFloat64() {
        begin();
        image.set(0, 0xfff8000000000000L);
        if (!underflows(0)) {
            state.load(0, x);
            image.set(0, Float80Math.toFloat64(env, x));
        }
        return storeProceeds();
    }

    /** FSTP m80fp; returns whether to write {@link #image}. */
    public boolean convertToFloat80() {
        begin();
        image.setIndefinite();
        if (!underflows(0)) {
            state.load(0, image);
        }
        return storeProceeds();
    }

    /** FIST, or FISTTP if {@code truncate}; {@code width} is 16, 32 or 64; returns whether to write {@link #image}. */
    public boolean convertToInteger(int width, boolean truncate) {
        begin();
        image.set(0, -1L << width - 1);
        if (!underflows(0)) {
            state.load(0, x);
            image.set(0, Float80Math.toInteger(env, x, width, truncate ? FpEnv.TRUNCATE : env.rounding()));
        }
        return storeProceeds();
    }

    /** FBSTP; returns whether to write {@link #image}. */
    public boolean convertToDecimal() {
        begin();
        image.setIndefinite();
        if (!underflows(0)) {
            state.load(0, x);
            PackedDecimal.store(env, x, image);
        }
        return storeProceeds();
    }

    private boolean storeProceeds() {
        return (env.unmasked() & STORE_ABORTS) == 0;
    }

    /** The second half of a store, after the memory was written, or need not be. */
    public void completeStore(boolean pop) {
        settle();
        popIf(pop && storeProceeds());
    }

    /** FST ST(i), FSTP ST(i). */
    public void storeRegister(int i, boolean pop) {
        begin();
        if (!underflows(0)) {
            state.load(0, z);
        }
        commit(i, pop);
    }

    // ---- arithmetic ----

    /** ST(to) = ST(first) op ST(second). */
    public void arithmetic(Arithmetic operation, int first, int second, int to, boolean pop) {
        begin();
        if (!underflows(first, second)) {
            state.load(first, x);
            state.load(second, y);
            operation.apply(env, x, y, z);
        }
        commit(to, pop);
    }

    /** ST(0) = ST(0) op m32fp. */
    public void arithmeticFloat32(Arithmetic operation, int bits) {
        begin();
        if (!underflows(0)) {
            state.load(0, x);
            operation.applyFloat32(env, x, bits, z);
        }
        commit(0, false);
    }

    /** ST(0) = ST(0) op m64fp. */
    public void arithmeticFloat64(Arithmetic operation, long bits) {
        begin();
        if (!underflows(0)) {
            state.load(0, x);
            operation.applyFloat64(env, x, bits, z);
        }
        commit(0, false);
    }

    /** ST(0) = ST(0) op integer. */
    public void arithmeticInteger(Arithmetic operation, long value) {
        begin();
        if (!underflows(0)) {
            state.load(0, x);
            operation.applyInteger(env, x, value, z);
        }
        commit(0, false);
    }

    /** ST(0) = f(ST(0)): FSQRT, FRNDINT. */
    public void unary(Unary function) {
        begin();
        if (!underflows(0)) {
            state.load(0, x);
            function.apply(env, x, z);
        }
        commit(0, false);
    }

    /** A function of one operand. */
    @FunctionalInterface
    public interface Unary {
        /** to = f(x). */
        void apply(FpEnv env, Float80 x, Float80 to);
    }

    /** A function of ST(0) and ST(1). */
    @FunctionalInterface
    public interface Binary {
        /** to = f(x, y), x being ST(0). */
        void apply(FpEnv env, Float80 x, Float80 y, Float80 to);
    }

    /** ST(to) = f(ST(0), ST(1)): FSCALE to 0; FPATAN, FYL2X, FYL2XP1 to 1 with a pop. */
    public void binary(Binary function, int to, boolean pop) {
        begin();
        if (!underflows(0, 1)) {
            state.load(0, x);
            state.load(1, y);
            function.apply(env, x, y, z);
        }
        commit(to, pop);
    }

    /** FPREM, or FPREM1 if {@code nearest}: C2 says incomplete, C0, C3, C1 are bits 2, 1, 0 of the quotient. */
    public void remainder(boolean nearest) {
        begin();
        int quotient = 0;
        if (!underflows(0, 1)) {
            state.load(0, x);
            state.load(1, y);
            quotient = Remainder.of(env, x, y, nearest, z);
        }
        int codes = (quotient & 4) != 0 ? X87State.C0 : 0;
        codes |= (quotient & 2) != 0 ? X87State.C3 : 0;
        codes |= (quotient & Remainder.INCOMPLETE) != 0 ? X87State.C2 : 0;
        commit(0, false);
        setConditions(codes);
        if ((quotient & 1) != 0) {
            state.setStatus(state.status() | X87State.C1);
        }
    }

    /** FXTRACT: ST(0) becomes the exponent, the significand is pushed. */
    public void extract() {
        begin();
        if (!underflows(0) && !overflows()) {
            state.load(0, x);
            Float80Math.extract(env, x, y, z);
        }
        commitPair();
    }

    /** ST(0) becomes y, then z is pushed. */
    void commitPair() {
        if (stackFault != 0) {
            y.setIndefinite();
            z.setIndefinite();
        }
        if (settle()) {
            state.store(0, y);
            push(z);
        }
    }

    // ---- sign, exchange, moves ----

    /** FCHS. */
    public void changeSign() {
        begin();
        if (!underflows(0)) {
            state.load(0, z);
            z.negate();
        }
        commit(0, false);
    }

    /** FABS. */
    public void absolute() {
        begin();
        if (!underflows(0)) {
            state.load(0, z);
            z.abs();
        }
        commit(0, false);
    }

    /** FXCH ST(i); an empty register becomes the indefinite if #IS is masked. */
    public void exchange(int i) {
        begin();
        loadOrIndefinite(0, x);
        loadOrIndefinite(i, y);
        if (settle()) {
            state.store(0, y);
            state.store(i, x);
        }
    }

    private void loadOrIndefinite(int i, Float80 to) {
        if (underflows(i)) {
            to.setIndefinite();
        } else {
            state.load(i, to);
        }
    }

    /** FCMOVcc ST(0), ST(i). */
    public void moveIf(boolean holds, int i) {
        begin();
        if (underflows(0, i)) {
            commit(0, false);
            return;
        }
        if (settle() && holds) {
            state.load(i, z);
            state.store(0, z);
        }
    }

    // ---- comparison ----

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
        if (settle()) {
            setConditions(conditionCodes(order));
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
            default -> X87State.C0 | X87State.C2 | X87State.C3;
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

    /** The flags of {@link #compareFlags} stay. */
    public static final int NO_ORDER = -2;

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

    // ---- control ----

    /** FINCSTP (1), FDECSTP (-1): C1 = 0, tags stay. */
    public void rotate(int steps) {
        state.setStatus(state.status() & ~X87State.C1);
        state.rotate(steps);
    }

    /** FFREE ST(i), FFREEP ST(i). */
    public void free(int i, boolean pop) {
        state.free(i);
        if (pop) {
            state.rotate(1);
        }
    }

    /** FNCLEX. */
    public void clearExceptions() {
        state.setStatus(state.status() & ~(0x3f | X87State.SF | X87State.ES | X87State.BUSY));
    }
}
