package org.jkvm.x86.fp;

/** The four possible relations of two floating-point numbers (IEEE 754, 5.11), and the comparison of unpacked ones. */
public final class FpOrder {
    /** First less than second. */
    public static final int LESS = -1;
    /** Equal; the zeros are equal to each other. */
    public static final int EQUAL = 0;
    /** First greater than second. */
    public static final int GREATER = 1;
    /** One of them is not a number. */
    public static final int UNORDERED = 2;

    private FpOrder() {
    }

    /** Compares env.a with env.b; a quiet NaN raises #I only if {@code signalling}. */
    static int compare(FpEnv env, boolean signalling) {
        FpValue a = env.a;
        FpValue b = env.b;
        int kinds = a.kind | b.kind;
        if (kinds >= FpValue.QNAN) {
            if (signalling || kinds >= FpValue.SNAN) {
                env.raise(FpEnv.IE);
            }
            return UNORDERED;
        }
        FpMath.denormalFault(env, a, b);
        if (a.kind == FpValue.ZERO && b.kind == FpValue.ZERO) {
            return EQUAL;
        }
        return ordered(a, b);
    }

    private static int ordered(FpValue a, FpValue b) {
        if (b.kind == FpValue.ZERO || a.kind != FpValue.ZERO && a.sign != b.sign) {
            return a.sign != 0 ? LESS : GREATER;
        }
        if (a.kind == FpValue.ZERO) {
            return b.sign != 0 ? GREATER : LESS;
        }
        int order = magnitudes(a, b);
        return a.sign != 0 ? -order : order;
    }

    private static int magnitudes(FpValue a, FpValue b) {
        if (a.kind != b.kind) {
            return a.kind == FpValue.INFINITE ? GREATER : LESS;
        }
        if (a.kind == FpValue.FINITE && a.exp != b.exp) {
            return a.exp > b.exp ? GREATER : LESS;
        }
        return Integer.signum(Long.compareUnsigned(a.hi, b.hi));
    }
}
