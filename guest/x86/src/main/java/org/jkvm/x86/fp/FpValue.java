package org.jkvm.x86.fp;

/**
 * A floating-point number taken apart, wide enough for operands of every format and for an exact-enough result before
 * rounding. A finite value is (-1)^sign * hi:lo / 2^127 * 2^exp with bit 63 of {@code hi} set; bits below {@code lo} are
 * ORed ("jammed") into bit 0 of {@code lo}, which keeps every rounding decision right.
 */
final class FpValue {
    static final int FINITE = 0;
    static final int ZERO = 1;
    static final int INFINITE = 2;
    static final int QNAN = 4;
    static final int SNAN = 8;
    /** Encodings that the 387 and later reject: unnormals, pseudo-infinity, pseudo-NaNs (SDM vol. 1, 8.2.2). */
    static final int UNSUPPORTED = 16;

    /** The integer bit. */
    static final long TOP = Long.MIN_VALUE;
    /** The bit that tells a quiet from a signalling NaN. */
    static final long QUIET = 1L << 62;
    static final int BIAS80 = 16383;

    int kind;
    int sign;
    int exp;
    long hi;
    long lo;
    /** Whether this was loaded from a denormal (or pseudo-denormal) encoding. */
    boolean denormal;

    /** Unpacks a binary16. */
    void load16(int bits) {
        load(bits >>> 15 & 1, bits >>> 10 & 0x1f, (long) bits << 54, 0x1f, 15, false);
    }

    /** Unpacks a binary32; with {@code daz} a denormal is a zero (SDM vol. 1, 10.2.3.4). */
    void load32(int bits, boolean daz) {
        load(bits >>> 31, bits >>> 23 & 0xff, (long) bits << 41, 0xff, 127, daz);
    }

    /** Unpacks a binary64; with {@code daz} a denormal is a zero. */
    void load64(long bits, boolean daz) {
        load((int) (bits >>> 63), (int) (bits >>> 52) & 0x7ff, bits << 12, 0x7ff, 1023, daz);
    }

    private void load(int signBit, int biased, long fraction, int special, int bias, boolean daz) {
        sign = signBit;
        lo = 0;
        denormal = false;
        if (biased == special) {
            loadSpecial(TOP | fraction >>> 1);
        } else if (biased != 0) {
            kind = FINITE;
            exp = biased - bias;
            hi = TOP | fraction >>> 1;
        } else if (fraction == 0 || daz) {
            setZero(signBit);
        } else {
            loadDenormal(fraction >>> 1, 1 - bias);
        }
    }

    /** Unpacks a double-extended. */
    void load80(int signExponent, long significand) {
        int biased = signExponent & 0x7fff;
        sign = signExponent >>> 15 & 1;
        lo = 0;
        denormal = false;
        if (biased == 0) {
            loadSmall80(significand);
        } else if (significand >= 0) {
            kind = UNSUPPORTED;
        } else if (biased == 0x7fff) {
            loadSpecial(significand);
        } else {
            kind = FINITE;
            exp = biased - BIAS80;
            hi = significand;
        }
    }

    private void loadSmall80(long significand) {
        if (significand == 0) {
            setZero(sign);
        } else {
            // A pseudo-denormal has the integer bit set and the value of a denormal's exponent.
            loadDenormal(significand, 1 - BIAS80);
        }
    }

    private void loadDenormal(long significand, int minExponent) {
        int shift = Long.numberOfLeadingZeros(significand);
        kind = FINITE;
        denormal = true;
        exp = minExponent - shift;
        hi = significand << shift;
    }

    private void loadSpecial(long significand) {
        hi = significand;
        if (significand == TOP) {
            kind = INFINITE;
        } else {
            kind = (significand & QUIET) != 0 ? QNAN : SNAN;
        }
    }

    void setFinite(int newSign, int newExp, long newHi, long newLo) {
        kind = FINITE;
        sign = newSign;
        exp = newExp;
        hi = newHi;
        lo = newLo;
        denormal = false;
    }

    void setZero(int newSign) {
        kind = ZERO;
        sign = newSign;
        hi = 0;
        lo = 0;
        denormal = false;
    }

    void setInfinite(int newSign) {
        kind = INFINITE;
        sign = newSign;
        hi = TOP;
        lo = 0;
    }

    /** The quiet form of a NaN: its sign and payload with the quiet bit set. */
    void setQuiet(FpValue nan) {
        kind = QNAN;
        sign = nan.sign;
        hi = nan.hi | QUIET;
        lo = 0;
    }

    /** The QNaN floating-point indefinite (SDM vol. 1, table 4-3). */
    void setIndefinite() {
        kind = QNAN;
        sign = 1;
        hi = TOP | QUIET;
        lo = 0;
    }

    void set(FpValue other) {
        kind = other.kind;
        sign = other.sign;
        exp = other.exp;
        hi = other.hi;
        lo = other.lo;
        denormal = other.denormal;
    }

    boolean isNan() {
        return kind >= QNAN;
    }

    /** Sets a 128-bit significand that need not be normalized; {@code newExp} is the weight of bit 63 of {@code newHi}. */
    void setNormalized(int newSign, int newExp, long newHi, long newLo) {
        if (newHi == 0) {
            if (newLo == 0) {
                setZero(newSign);
                return;
            }
            newHi = newLo;
            newLo = 0;
            newExp -= 64;
        }
        int shift = Long.numberOfLeadingZeros(newHi);
        setFinite(newSign, newExp - shift, shift == 0 ? newHi : newHi << shift | newLo >>> 64 - shift, newLo << shift);
    }

    /** Shifts the significand right by {@code count} (> 0), jamming what falls out; the exponent is the caller's. */
    void shiftRightJam(int count) {
        if (count < 64) {
            long lost = lo << 64 - count;
            lo = hi << 64 - count | lo >>> count | (lost != 0 ? 1 : 0);
            hi >>>= count;
        } else if (count < 128) {
            // Java shifts by the count modulo 64: hi >>> 0 when count is 64, and then nothing of hi is lost.
            long lost = lo | (count == 64 ? 0 : hi << 128 - count);
            lo = hi >>> count - 64 | (lost != 0 ? 1 : 0);
            hi = 0;
        } else {
            lo = (hi | lo) != 0 ? 1 : 0;
            hi = 0;
        }
    }
}
