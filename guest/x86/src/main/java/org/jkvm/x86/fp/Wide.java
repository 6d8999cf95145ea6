package org.jkvm.x86.fp;

/**
 * A floating-point number with a 128-bit significand: the intermediate precision of the transcendental instructions, whose
 * results have 64. Value: (-1)^sign * hi:lo / 2^127 * 2^exp with bit 63 of {@code hi} set; zero has {@code hi} = 0. Each
 * operation changes this object; relative errors are a few units of 2^-127. No infinities, NaNs or exceptions.
 */
final class Wide {
    private static final Wide TWO = new Wide(1, FpValue.TOP, 0);

    int sign;
    int exp;
    long hi;
    long lo;

    Wide() {
    }

    /** The positive number hi:lo / 2^127 * 2^exp. */
    Wide(int exp, long hi, long lo) {
        this.exp = exp;
        this.hi = hi;
        this.lo = lo;
    }

    /** An integer. */
    Wide(long value) {
        set(value);
    }

    Wide set(Wide other) {
        sign = other.sign;
        exp = other.exp;
        hi = other.hi;
        lo = other.lo;
        return this;
    }

    Wide set(FpValue value) {
        sign = value.sign;
        exp = value.exp;
        hi = value.kind == FpValue.ZERO ? 0 : value.hi;
        lo = 0;
        return this;
    }

    Wide set(long value) {
        sign = value < 0 ? 1 : 0;
        exp = 63;
        hi = Math.abs(value);
        lo = 0;
        return normalize();
    }

    /** The positive number newHi:newLo / 2^127 * 2^newExp, which need not be normalized. */
    Wide setBits(int newExp, long newHi, long newLo) {
        sign = 0;
        exp = newExp;
        hi = newHi;
        lo = newLo;
        return normalize();
    }

    boolean isZero() {
        return hi == 0;
    }

    Wide negate() {
        sign ^= 1;
        return this;
    }

    /** Multiplies by 2^power. */
    Wide scale(int power) {
        exp += power;
        return this;
    }

    Wide add(Wide b) {
        if (b.hi == 0) {
            return this;
        }
        if (hi == 0) {
            return set(b);
        }
        return compareMagnitude(b) >= 0 ? combine(this, b) : combine(b, this);
    }

    /** this = large + small, one of which is this. */
    private Wide combine(Wide large, Wide small) {
        int shift = large.exp - small.exp;
        long smallHi = shift >= 64 ? 0 : small.hi >>> shift;
        // What lies below all 128 bits still decides directed rounding near a power of two: it counts as one unit.
        long smallLo = shift >= 128 ? 1 : shift >= 64 ? small.hi >>> shift - 64
            : shift == 0 ? small.lo : small.hi << 64 - shift | small.lo >>> shift;
        boolean subtract = large.sign != small.sign;
        sign = large.sign;
        exp = large.exp;
        return subtract ? difference(large.hi, large.lo, smallHi, smallLo) : sum(large.hi, large.lo, smallHi, smallLo);
    }

    private Wide difference(long largeHi, long largeLo, long smallHi, long smallLo) {
        lo = largeLo - smallLo;
        hi = largeHi - smallHi - (Long.compareUnsigned(largeLo, smallLo) < 0 ? 1 : 0);
        return normalize();
    }

    private Wide sum(long largeHi, long largeLo, long smallHi, long smallLo) {
        lo = largeLo + smallLo;
        // largeHi has its top bit set, so the sum is no smaller unless it passed 2^64.
        hi = largeHi + smallHi + (Long.compareUnsigned(lo, smallLo) < 0 ? 1 : 0);
        if (Long.compareUnsigned(hi, largeHi) < 0 || smallHi == -1 && hi == largeHi) {
            lo = lo >>> 1 | hi << 63;
            hi = hi >>> 1 | FpValue.TOP;
            exp++;
        }
        return this;
    }

    private Wide normalize() {
        if (hi == 0) {
            hi = lo;
            lo = 0;
            exp -= 64;
        }
        int shift = Long.numberOfLeadingZeros(hi);
        if (hi != 0 && shift != 0) {
            hi = hi << shift | lo >>> 64 - shift;
            lo <<= shift;
            exp -= shift;
        }
        return this;
    }

    Wide multiply(Wide b) {
        long low = hi * b.hi;
        long cross1 = Math.unsignedMultiplyHigh(hi, b.lo);
        long cross2 = Math.unsignedMultiplyHigh(lo, b.hi);
        long high = Math.unsignedMultiplyHigh(hi, b.hi);
        low += cross1;
        high += Long.compareUnsigned(low, cross1) < 0 ? 1 : 0;
        low += cross2;
        high += Long.compareUnsigned(low, cross2) < 0 ? 1 : 0;
        sign ^= b.sign;
        exp += b.exp + 1;
        hi = high;
        lo = low;
        return normalize();
    }

    /** this = this / b, b not zero; {@code t} and {@code u} are scratch. */
    Wide divide(Wide b, Wide t, Wide u) {
        return multiply(t.reciprocal(b, u));
    }

    /** this = 1 / b, by one Newton step from a quotient of 64 bits: r' = r (2 - b r). */
    private Wide reciprocal(Wide b, Wide t) {
        boolean power = b.hi == FpValue.TOP;
        sign = b.sign;
        exp = power ? -b.exp : -b.exp - 1;
        hi = power ? FpValue.TOP : UInt128.divide(FpValue.TOP, 0, b.hi);
        lo = 0;
        t.set(this).multiply(b).negate();
        return multiply(t.add(TWO));
    }

    /** Compares magnitudes of numbers that are not zero. */
    int compareMagnitude(Wide b) {
        if (exp != b.exp) {
            return Integer.compare(exp, b.exp);
        }
        int order = Long.compareUnsigned(hi, b.hi);
        return order != 0 ? order : Long.compareUnsigned(lo, b.lo);
    }

    /** Hands the value over to rounding, as inexact: no transcendental result is exact but where the caller knows. */
    void storeInexact(FpValue to) {
        if (hi == 0) {
            to.setZero(sign);
        } else {
            to.setFinite(sign, exp, hi, lo | 1);
        }
    }
}
