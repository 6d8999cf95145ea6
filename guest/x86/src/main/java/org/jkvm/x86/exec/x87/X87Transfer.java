package org.jkvm.x86.exec.x87;

import org.jkvm.x86.fp.Float80;
import org.jkvm.x86.fp.Float80Math;
import org.jkvm.x86.fp.FpEnv;
import org.jkvm.x86.fp.PackedDecimal;

/**
 * Loads, stores and moves of the x87 unit (SDM vol. 1, 8.3.3).
 *
 * <p>Stores to memory come in two halves, so that a page fault between them finds the unit unchanged: {@code convertTo...}
 * computes the {@link #image} and answers whether to write it, {@link #completeStore} commits flags and pops.
 */
abstract class X87Transfer extends X87Frame {
    private static final int STORE_ABORTS = FpEnv.PRE_COMPUTATION | FpEnv.OE | FpEnv.UE;

    private final Float80 image = new Float80();

    X87Transfer(X87State state) {
        super(state);
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

    /** FCMOVcc ST(0), ST(i); touches the status word only if a register is empty. */
    public void moveIf(boolean holds, int i) {
        begin();
        if (underflows(0, i)) {
            commit(0, false);
        } else if (holds) {
            state.load(i, z);
            state.store(0, z);
        }
    }
}
