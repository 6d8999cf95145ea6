package org.jkvm.x86.fp;

/**
 * What a floating-point instruction reads and writes beside its operands: the rounding and precision control, the exception
 * masks and the exception flags. One object serves one unit of one vCPU and holds that unit's scratch values, so that no
 * operation allocates; it is not safe for use by two threads.
 *
 * <p>Flags and masks use the bit positions of MXCSR[5:0] and of the x87 status and control words (SDM vol. 1, figures 8-4,
 * 8-6, 10-3). Operations only ever set flags. An operation whose unmasked pre-computation exception (#I, #D, #Z) fires
 * raises that flag, raises none of #O, #U, #P, and leaves a result that must not be used; the caller finds out with
 * {@link #unmasked()}.
 */
public final class FpEnv {
    /** Invalid operation. */
    public static final int IE = 1;
    /** Denormal operand. */
    public static final int DE = 2;
    /** Division by zero. */
    public static final int ZE = 4;
    /** Overflow. */
    public static final int OE = 8;
    /** Underflow. */
    public static final int UE = 0x10;
    /** Precision: the result is inexact. */
    public static final int PE = 0x20;
    /** All six exceptions. */
    public static final int ALL = 0x3f;
    /** The exceptions found before anything is computed (SDM vol. 1, 4.9.2). */
    public static final int PRE_COMPUTATION = IE | DE | ZE;

    /** Round to nearest, ties to even; the encodings are those of RC (SDM vol. 1, table 4-8). */
    public static final int NEAREST = 0;
    /** Round toward minus infinity. */
    public static final int DOWN = 1;
    /** Round toward plus infinity. */
    public static final int UP = 2;
    /** Round toward zero. */
    public static final int TRUNCATE = 3;

    final FpValue a = new FpValue();
    final FpValue b = new FpValue();
    final FpValue c = new FpValue();
    final FpValue r = new FpValue();
    private final boolean x87;
    private int rounding;
    private int precision = 64;
    private int masks = ALL;
    private int flags;
    private boolean daz;
    private boolean ftz;
    private boolean roundedUp;
    private boolean quick;
    private boolean plain;

    private FpEnv(boolean x87) {
        this.x87 = x87;
        requick();
    }

    /** An environment with the x87 unit's NaN selection and exponent wrapping, controlled by a control word. */
    public static FpEnv x87() {
        return new FpEnv(true);
    }

    /** An environment with the SSE unit's NaN selection, controlled by MXCSR. */
    public static FpEnv sse() {
        return new FpEnv(false);
    }

    /** Takes over rounding, masks, FTZ, DAZ and flags from MXCSR (SDM vol. 1, figure 10-3). */
    public void loadMxcsr(int mxcsr) {
        flags = mxcsr & ALL;
        daz = (mxcsr & 0x40) != 0;
        masks = mxcsr >>> 7 & ALL;
        rounding = mxcsr >>> 13 & 3;
        ftz = (mxcsr & 0x8000) != 0;
        requick();
    }

    /** The current MXCSR. */
    public int mxcsr() {
        return flags | (daz ? 0x40 : 0) | masks << 7 | rounding << 13 | (ftz ? 0x8000 : 0);
    }

    /** Takes over masks, precision and rounding from an x87 control word (SDM vol. 1, figure 8-6). */
    public void loadControlWord(int control) {
        masks = control & ALL;
        rounding = control >>> 10 & 3;
        // PC = 01 is reserved; processors treat it as double-extended.
        precision = switch (control >>> 8 & 3) {
            case 0 -> 24;
            case 2 -> 53;
            default -> 64;
        };
        requick();
    }

    /** The rounding mode, an RC value. */
    public int rounding() {
        return rounding;
    }

    /** Bits of significand that x87 arithmetic rounds to: 24, 53 or 64. */
    public int precision() {
        return precision;
    }

    /** The masked exceptions. */
    public int masks() {
        return masks;
    }

    /** The flags raised since they were last set. */
    public int flags() {
        return flags;
    }

    /** Replaces the flags. */
    public void setFlags(int value) {
        flags = value & ALL;
    }

    /** The raised flags that are not masked. */
    public int unmasked() {
        return flags & ~masks;
    }

    /** Whether the last rounding made the magnitude larger: C1 of the x87 status word after an inexact result. */
    public boolean roundedUp() {
        return roundedUp;
    }

    /** Forgets flags and rounding direction, before an instruction whose own exceptions matter. */
    public void clear() {
        flags = 0;
        roundedUp = false;
    }

    void setRoundedUp(boolean up) {
        roundedUp = up;
    }

    /** Sets flags; returns whether one of them is unmasked. */
    boolean raise(int exceptions) {
        flags |= exceptions;
        return (exceptions & ~masks) != 0;
    }

    boolean isUnmasked(int exception) {
        return (exception & ~masks) != 0;
    }

    boolean daz() {
        return daz;
    }

    boolean ftz() {
        return ftz;
    }

    boolean isX87() {
        return x87;
    }

    /**
     * Whether the JVM's own arithmetic may stand in for a result that turns out normal: it rounds to nearest, and #P, the
     * one exception that such a result can still raise, is already recorded and masked.
     */
    boolean quick() {
        return quick && (flags & PE) != 0;
    }

    /** Whether x87 arithmetic is in its usual setting: 64 bits, to nearest. */
    boolean isPlain() {
        return plain;
    }

    private void requick() {
        quick = rounding == NEAREST && masks == ALL;
        plain = rounding == NEAREST && precision == 64;
    }
}
