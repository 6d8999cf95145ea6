package org.jkvm.x86.fp;

/**
 * A double-extended value as it stands in an x87 register: a 64-bit significand with explicit integer bit, and sign (bit 15)
 * with a 15-bit exponent biased by 16383 (SDM vol. 1, 4.2.2). Mutable, so that the unit's registers and temporaries are
 * allocated once.
 */
public final class Float80 {
    private int signExponent;
    private long significand;

    /** +0. */
    public Float80() {
    }

    /** A value from its two parts; only the low 16 bits of {@code signExponent} count. */
    public Float80(int signExponent, long significand) {
        set(signExponent, significand);
    }

    /** Sign and biased exponent, 16 bits. */
    public int signExponent() {
        return signExponent;
    }

    /** The significand, its integer bit in bit 63. */
    public long significand() {
        return significand;
    }

    /** Replaces both parts; only the low 16 bits of {@code newSignExponent} count. */
    public void set(int newSignExponent, long newSignificand) {
        signExponent = newSignExponent & 0xffff;
        significand = newSignificand;
    }

    /** Copies another value, bit for bit. */
    public void set(Float80 other) {
        signExponent = other.signExponent;
        significand = other.significand;
    }

    /** Whether the sign bit is set. */
    public boolean isNegative() {
        return (signExponent & 0x8000) != 0;
    }

    /** The biased exponent. */
    public int biasedExponent() {
        return signExponent & 0x7fff;
    }

    /** Inverts the sign of any encoding (FCHS). */
    public void negate() {
        signExponent ^= 0x8000;
    }

    /** Clears the sign of any encoding (FABS). */
    public void abs() {
        signExponent &= 0x7fff;
    }

    /** The QNaN floating-point indefinite, the masked response to #IA and #IS. */
    public void setIndefinite() {
        set(0xffff, 0xc000000000000000L);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Float80 that && that.signExponent == signExponent && that.significand == significand;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(significand) * 31 + signExponent;
    }

    @Override
    public String toString() {
        return "%04x:%016x".formatted(signExponent, significand);
    }
}
