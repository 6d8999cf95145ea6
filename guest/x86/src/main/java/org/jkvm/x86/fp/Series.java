package org.jkvm.x86.fp;

/**
 * Power series on {@link Wide} numbers, each for an argument range where its fixed number of terms leaves a relative error
 * below 2^-90. Holds temporaries: not for two threads.
 */
final class Series {
    static final Wide ONE = new Wide(1);
    static final Wide PI = new Wide(1, 0xc90fdaa22168c234L, 0xc4c6628b80dc1cd1L);
    static final Wide LN_2 = new Wide(-1, 0xb17217f7d1cf79abL, 0xc9e3b39803f2f6afL);
    static final Wide LOG2_E = new Wide(0, 0xb8aa3b295c17f0bbL, 0xbe87fed0691d3e88L);

    private static final int FACTORIALS = 27;
    private static final int ODDS = 21;
    private static final int STEPS = 8;
    /** 1/n! */
    private static final Wide[] INVERSE_FACTORIAL = inverseFactorials();
    /** 1/(2n+1) */
    private static final Wide[] INVERSE_ODD = inverseOdds();
    /** atan(n/8), n = 0 to 8. */
    private static final Wide[] ATAN = atanTable();

    private final Wide square = new Wide();
    private final Wide t = new Wide();
    private final Wide u = new Wide();
    private final Wide v = new Wide();
    private final Wide w = new Wide();

    private static Wide[] inverseFactorials() {
        Wide[] table = new Wide[FACTORIALS + 1];
        table[0] = new Wide(1);
        for (int n = 1; n <= FACTORIALS; n++) {
            table[n] = new Wide().set(table[n - 1]).divide(new Wide(n), new Wide(), new Wide());
        }
        return table;
    }

    private static Wide[] inverseOdds() {
        Wide[] table = new Wide[ODDS];
        for (int n = 0; n < ODDS; n++) {
            table[n] = new Wide(1).divide(new Wide(2 * n + 1), new Wide(), new Wide());
        }
        return table;
    }

    /** atan(n/8) = atan((n-1)/8) + atan(8 / (64 + n (n-1))), by the tangent's subtraction theorem. */
    private static Wide[] atanTable() {
        Series series = new Series();
        Wide[] table = new Wide[STEPS + 1];
        table[0] = new Wide();
        for (int n = 1; n <= STEPS; n++) {
            Wide step = new Wide(8).divide(new Wide(64 + n * (n - 1)), new Wide(), new Wide());
            series.atanSmall(step);
            table[n] = step.add(table[n - 1]);
        }
        return table;
    }

    /** x = e^x - 1, |x| up to 0.7. */
    void expMinus1(Wide x) {
        t.set(INVERSE_FACTORIAL[FACTORIALS]);
        for (int n = FACTORIALS - 1; n >= 1; n--) {
            t.multiply(x).add(INVERSE_FACTORIAL[n]);
        }
        x.multiply(t);
    }

    /** x = ln((1 + x) / (1 - x)), |x| up to 0.18. */
    void logOfRatio(Wide x) {
        square.set(x).multiply(x);
        odd(square);
        x.multiply(t).scale(1);
    }

    /** x = atan x, |x| up to 1/8. */
    private void atanSmall(Wide x) {
        square.set(x).multiply(x).negate();
        odd(square);
        x.multiply(t);
    }

    /** t = the sum of z^n / (2n+1). */
    private void odd(Wide z) {
        t.set(INVERSE_ODD[ODDS - 1]);
        for (int n = ODDS - 2; n >= 0; n--) {
            t.multiply(z).add(INVERSE_ODD[n]);
        }
    }

    /** x = atan x, 0 < x <= 1: atan(n/8) + atan((x - n/8) / (1 + x n/8)) with n/8 near x. */
    void atan(Wide x) {
        int n = x.exp < -4 ? 0 : (int) ((x.hi >>> 59 - x.exp) + 1 >>> 1);
        if (n != 0) {
            u.set(n).scale(-3);
            v.set(x).multiply(u).add(ONE);
            x.add(u.negate());
            if (!x.isZero()) {
                x.divide(v, t, w);
            }
        }
        if (!x.isZero()) {
            atanSmall(x);
        }
        x.add(ATAN[n]);
    }

    /** x = sin x, |x| up to pi/4. */
    void sine(Wide x) {
        square.set(x).multiply(x).negate();
        alternating(FACTORIALS);
        x.multiply(t);
    }

    /** x = cos x, |x| up to pi/4. */
    void cosine(Wide x) {
        square.set(x).multiply(x).negate();
        alternating(FACTORIALS - 1);
        x.set(t);
    }

    /** t = the sum of square^k / n! over n = first, first - 2, ... to 1 or 0. */
    private void alternating(int first) {
        t.set(INVERSE_FACTORIAL[first]);
        for (int n = first - 2; n >= 0; n -= 2) {
            t.multiply(square).add(INVERSE_FACTORIAL[n]);
        }
    }
}
