package org.jkvm.x86.fp;

/**
 * Addition, multiplication, division and square root on unpacked values, exact but for jammed low bits, with the
 * pre-computation exceptions in the order of SDM vol. 1, 4.9.2: unsupported and signalling operands, quiet NaNs, other
 * invalid operations, division by zero, denormal operands. Each takes operands from, and leaves its result in, the
 * environment's scratch values. If an unmasked exception fires the result is one that the caller doesn't use.
 */
final class FpMath {
    private FpMath() {
    }

    /** r = a + b. */
    static void add(FpEnv env) {
        FpValue a = env.a;
        FpValue b = env.b;
        if ((a.kind | b.kind) != FpValue.FINITE) {
            addSpecial(env, a, b, env.r);
        } else if (!denormalFault(env, a, b)) {
            addFinite(env, a, b, env.r);
        }
    }

    /** r = a - b. */
    static void subtract(FpEnv env) {
        // A NaN keeps its sign: x - NaN is that NaN.
        if (!env.b.isNan()) {
            env.b.sign ^= 1;
        }
        add(env);
    }

    private static void addSpecial(FpEnv env, FpValue a, FpValue b, FpValue r) {
        if (nanOperand(env, a, b, r)) {
            return;
        }
        boolean bothInfinite = (a.kind & b.kind & FpValue.INFINITE) != 0;
        if (bothInfinite && a.sign != b.sign) {
            invalid(env, r);
        } else if (!denormalFault(env, a, b)) {
            addToSpecial(env, a, b, r);
        }
    }

    private static void addToSpecial(FpEnv env, FpValue a, FpValue b, FpValue r) {
        if (a.kind == FpValue.INFINITE || b.kind == FpValue.ZERO && a.kind == FpValue.FINITE) {
            r.set(a);
        } else if (b.kind != FpValue.ZERO) {
            r.set(b);
        } else {
            r.setZero(a.sign == b.sign ? a.sign : exactZeroSign(env));
        }
    }

    /** The sign of an exact zero sum of opposite operands (SDM vol. 1, 4.8.3.1). */
    static int exactZeroSign(FpEnv env) {
        return env.rounding() == FpEnv.DOWN ? 1 : 0;
    }

    private static void addFinite(FpEnv env, FpValue a, FpValue b, FpValue r) {
        boolean swap = a.exp < b.exp || a.exp == b.exp && Long.compareUnsigned(a.hi, b.hi) < 0;
        FpValue large = swap ? b : a;
        FpValue small = swap ? a : b;
        int shift = large.exp - small.exp;
        if (shift != 0) {
            small.shiftRightJam(shift);
        }
        if (a.sign == b.sign) {
            addMagnitudes(large, small, r);
        } else {
            subtractMagnitudes(env, large, small, r);
        }
    }

    private static void addMagnitudes(FpValue large, FpValue small, FpValue r) {
        long hi = large.hi + small.hi;
        long lo = small.lo;
        if (Long.compareUnsigned(hi, small.hi) < 0) {
            r.setFinite(large.sign, large.exp + 1, hi >>> 1 | FpValue.TOP, hi << 63 | lo >>> 1 | lo & 1);
        } else {
            r.setFinite(large.sign, large.exp, hi, lo);
        }
    }

    private static void subtractMagnitudes(FpEnv env, FpValue large, FpValue small, FpValue r) {
        long lo = -small.lo;
        long hi = large.hi - small.hi - (lo != 0 ? 1 : 0);
        r.setNormalized(large.sign, large.exp, hi, lo);
        if (r.kind == FpValue.ZERO) {
            r.sign = exactZeroSign(env);
        }
    }

    /** r = a * b. */
    static void multiply(FpEnv env) {
        FpValue a = env.a;
        FpValue b = env.b;
        if ((a.kind | b.kind) != FpValue.FINITE) {
            multiplySpecial(env, a, b, env.r);
        } else if (!denormalFault(env, a, b)) {
            multiplyFinite(a, b, env.r);
        }
    }

    static void multiplyFinite(FpValue a, FpValue b, FpValue r) {
        long hi = Math.unsignedMultiplyHigh(a.hi, b.hi);
        long lo = a.hi * b.hi;
        int exp = a.exp + b.exp + 1;
        if (hi < 0) {
            r.setFinite(a.sign ^ b.sign, exp, hi, lo);
        } else {
            r.setFinite(a.sign ^ b.sign, exp - 1, hi << 1 | lo >>> 63, lo << 1);
        }
    }

    private static void multiplySpecial(FpEnv env, FpValue a, FpValue b, FpValue r) {
        if (nanOperand(env, a, b, r)) {
            return;
        }
        int sign = a.sign ^ b.sign;
        int kinds = a.kind | b.kind;
        if (kinds == (FpValue.ZERO | FpValue.INFINITE)) {
            invalid(env, r);
        } else if (!denormalFault(env, a, b)) {
            if ((kinds & FpValue.INFINITE) != 0) {
                r.setInfinite(sign);
            } else {
                r.setZero(sign);
            }
        }
    }

    /** r = a / b. */
    static void divide(FpEnv env) {
        FpValue a = env.a;
        FpValue b = env.b;
        if ((a.kind | b.kind) != FpValue.FINITE) {
            divideSpecial(env, a, b, env.r);
        } else if (!denormalFault(env, a, b)) {
            divideFinite(a, b, env.r);
        }
    }

    private static void divideFinite(FpValue a, FpValue b, FpValue r) {
        boolean less = Long.compareUnsigned(a.hi, b.hi) < 0;
        long high = less ? a.hi : a.hi >>> 1;
        long low = less ? 0 : a.hi << 63;
        long quotient = UInt128.divide(high, low, b.hi);
        long remainder = low - quotient * b.hi;
        r.setFinite(a.sign ^ b.sign, a.exp - b.exp - (less ? 1 : 0), quotient, tail(remainder, b.hi));
    }

    /** What follows a quotient's last bit, as far as rounding cares: 0, below, at or above one half. */
    private static long tail(long remainder, long divisor) {
        if (remainder == 0) {
            return 0;
        }
        int order = Long.compareUnsigned(remainder, divisor - remainder);
        return order < 0 ? 1 : order == 0 ? FpValue.TOP : FpValue.TOP | 1;
    }

    private static void divideSpecial(FpEnv env, FpValue a, FpValue b, FpValue r) {
        if (nanOperand(env, a, b, r)) {
            return;
        }
        int sign = a.sign ^ b.sign;
        if (a.kind == b.kind) {
            invalid(env, r);
        } else if (b.kind == FpValue.ZERO && a.kind == FpValue.FINITE) {
            // #Z comes before #D and, on processors tried, keeps it from being raised.
            env.raise(FpEnv.ZE);
            r.setInfinite(sign);
        } else if (!denormalFault(env, a, b)) {
            if (a.kind == FpValue.INFINITE || b.kind == FpValue.ZERO) {
                r.setInfinite(sign);
            } else {
                r.setZero(sign);
            }
        }
    }

    /** r = square root of a. */
    static void squareRoot(FpEnv env) {
        FpValue a = env.a;
        FpValue r = env.r;
        if (nanOperand(env, a, a, r)) {
            return;
        }
        if (a.kind == FpValue.ZERO || a.kind == FpValue.INFINITE && a.sign == 0) {
            r.set(a);
        } else if (a.sign != 0) {
            invalid(env, r);
        } else if (!denormalFault(env, a, a)) {
            rootFinite(a, r);
        }
    }

    private static void rootFinite(FpValue a, FpValue r) {
        // n = significand with an even exponent, 2^126 <= n < 2^128, so that its root has exactly 64 bits.
        boolean odd = (a.exp & 1) != 0;
        long high = odd ? a.hi : a.hi >>> 1;
        long low = odd ? 0 : a.hi << 63;
        long root = UInt128.squareRoot(high, low);
        long square = root * root;
        long remainder = low - square;
        boolean wide = high - Math.unsignedMultiplyHigh(root, root) - (Long.compareUnsigned(low, square) < 0 ? 1 : 0) != 0;
        // (root + 1/2)^2 = root^2 + root + 1/4: the root lies above the half-way point when the remainder exceeds root.
        boolean above = wide || Long.compareUnsigned(remainder, root) > 0;
        long tail = above ? FpValue.TOP | 1 : remainder != 0 ? 1 : 0;
        r.setFinite(0, a.exp >> 1, root, tail);
    }

    /** Raises #I for a signalling or unsupported operand; returns whether a NaN decides the result, which is then in r. */
    static boolean nanOperand(FpEnv env, FpValue a, FpValue b, FpValue r) {
        int kinds = a.kind | b.kind;
        if (kinds < FpValue.QNAN) {
            return false;
        }
        if ((kinds & FpValue.UNSUPPORTED) != 0) {
            invalid(env, r);
            return true;
        }
        if ((kinds & FpValue.SNAN) != 0) {
            env.raise(FpEnv.IE);
        }
        r.setQuiet(env.isX87() ? selectX87(a, b) : a.isNan() ? a : b);
        return true;
    }

    /** The x87 column of SDM vol. 1, table 4-7. */
    private static FpValue selectX87(FpValue a, FpValue b) {
        if (!a.isNan() || !b.isNan()) {
            return a.isNan() ? a : b;
        }
        if (a.kind != b.kind) {
            return a.kind == FpValue.QNAN ? a : b;
        }
        int order = Long.compareUnsigned(a.hi, b.hi);
        if (order == 0) {
            return a.sign <= b.sign ? a : b;
        }
        return order > 0 ? a : b;
    }

    static void invalid(FpEnv env, FpValue r) {
        env.raise(FpEnv.IE);
        r.setIndefinite();
    }

    /** Raises #D if an operand is denormal; returns whether that ends the operation. */
    static boolean denormalFault(FpEnv env, FpValue a, FpValue b) {
        if ((a.denormal | b.denormal) && env.raise(FpEnv.DE)) {
            env.r.setIndefinite();
            return true;
        }
        return false;
    }
}
