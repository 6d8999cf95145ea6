package org.jkvm.x86.exec.x87;

import org.jkvm.x86.fp.Arithmetic;
import org.jkvm.x86.fp.Float80;
import org.jkvm.x86.fp.Float80Math;
import org.jkvm.x86.fp.FpEnv;
import org.jkvm.x86.fp.Remainder;
import org.jkvm.x86.fp.Transcendental;
import org.jkvm.x86.fp.Trigonometry;

/**
 * What x87 instructions do to the register stack and the status word (SDM vol. 1, chapter 8; vol. 2 by mnemonic), apart from
 * fetching operands from memory and raising #MF: see {@link X87Frame} for the rules they share. Used by one thread.
 */
public final class X87Unit extends X87Comparison {
    private final Transcendental transcendental = new Transcendental();
    private final Trigonometry trigonometry = new Trigonometry();
    private final Unary exponential = transcendental::f2xm1;
    private final Binary logarithm = transcendental::yLog2X;
    private final Binary logarithmPlus1 = transcendental::yLog2XPlus1;
    private final Binary arctangent = transcendental::arctangent;
    private final X87Environment environment = new X87Environment();
    private final FxImage fxImage = new FxImage();
    private final long[] fxWords = new long[FxImage.WORDS];

    /** A unit on registers in native memory. */
    public X87Unit(X87State state) {
        super(state);
    }

    /** The words of an FNSTENV or FLDENV on their way. */
    public X87Environment environment() {
        return environment;
    }

    /** The words of an FXSAVE or XRSTOR on their way: see {@link FxImage}. */
    public long[] fxWords() {
        return fxWords;
    }

    /** Fills {@link #fxWords} from the registers; {@code wide} with REX.W. */
    public void saveFx(boolean wide) {
        fxImage.save(state, fxWords, wide);
    }

    /** Loads the registers from {@link #fxWords}; {@code wide} with REX.W. */
    public void loadFx(boolean wide) {
        fxImage.load(state, fxWords, wide);
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
        codes |= (quotient & 1) != 0 ? X87State.C1 : 0;
        commit(0, false, CODES, codes);
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

    // ---- transcendentals ----

    /** F2XM1. */
    public void exponential() {
        unary(exponential);
    }

    /** FYL2X. */
    public void logarithm() {
        binary(logarithm, 1, true);
    }

    /** FYL2XP1. */
    public void logarithmPlus1() {
        binary(logarithmPlus1, 1, true);
    }

    /** FPATAN. */
    public void arctangent() {
        binary(arctangent, 1, true);
    }

    /** FSIN. */
    public void sine() {
        begin();
        boolean done = true;
        if (!underflows(0)) {
            state.load(0, x);
            done = trigonometry.sine(env, x, z);
        }
        commitInRange(done);
    }

    /** FCOS. */
    public void cosine() {
        begin();
        boolean done = true;
        if (!underflows(0)) {
            state.load(0, x);
            done = trigonometry.cosine(env, x, z);
        }
        commitInRange(done);
    }

    /** FSINCOS: ST(0) becomes the sine, the cosine is pushed. */
    public void sineAndCosine() {
        begin();
        boolean done = true;
        if (!underflows(0) && !overflows()) {
            state.load(0, x);
            done = trigonometry.sine(env, x, y) && trigonometry.cosine(env, x, z);
        }
        commitPairInRange(done);
    }

    /** FPTAN: ST(0) becomes the tangent, 1 is pushed, or the NaN again. */
    public void tangent() {
        begin();
        boolean done = true;
        if (!underflows(0) && !overflows()) {
            state.load(0, x);
            done = trigonometry.tangent(env, x, y);
            if (y.biasedExponent() == 0x7fff) {
                z.set(y);
            } else {
                z.set(0x3fff, Long.MIN_VALUE);
            }
        }
        commitPairInRange(done);
    }

    private void commitInRange(boolean done) {
        if (done) {
            commit(0, false);
        }
        markRange(done);
    }

    private void commitPairInRange(boolean done) {
        if (done) {
            commitPair();
        }
        markRange(done);
    }

    /** C2 says that the operand was out of range: 2^63 or more (SDM vol. 1, 8.3.8); C1 is 0 then. */
    private void markRange(boolean done) {
        if (done) {
            state.setStatus(state.status() & ~X87State.C2);
        } else {
            state.setStatus(state.status() & ~X87State.C1 | X87State.C2);
        }
    }

    // ---- control ----

    /** FINCSTP (1), FDECSTP (-1): C1 = 0, tags stay. */
    public void rotate(int steps) {
        state.setStatus(state.status() & ~X87State.C1);
        state.rotate(steps);
    }

    /** FFREE ST(i), FFREEP ST(i); the manual leaves C1 open, processors clear it. */
    public void free(int i, boolean pop) {
        state.setStatus(state.status() & ~X87State.C1);
        state.free(i);
        popIf(pop);
    }

    /** FNCLEX. */
    public void clearExceptions() {
        state.setStatus(state.status() & ~(0x3f | X87State.SF | X87State.ES | X87State.BUSY));
    }
}
