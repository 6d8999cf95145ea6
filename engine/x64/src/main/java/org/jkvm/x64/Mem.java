package org.jkvm.x64;

import java.util.Objects;

/**
 * Memory at {@code base + index * scale + displacement}, and a segment's base.
 *
 * @param segment      FS or GS, or null for none
 * @param base         base register, or null
 * @param index        index register, or null; never RSP
 * @param scale        1, 2, 4 or 8
 * @param displacement signed displacement; without base and index, an absolute address
 * @param truncated    whether the sum is cut to 32 bits before the segment's base is added (prefix 67h)
 */
public record Mem(Segment segment, Gpr base, Gpr index, int scale, int displacement, boolean truncated)
        implements Memory {
    /** Refuses what 64-bit mode cannot express (Intel SDM vol. 2A, table 2-3; vol. 1, section 3.3.7.1). */
    public Mem {
        if (index == Gpr.RSP || scale != 1 && scale != 2 && scale != 4 && scale != 8) {
            throw new IllegalArgumentException("no addressing mode has index " + index + " times " + scale);
        }
        if (segment != null && segment != Segment.FS && segment != Segment.GS) {
            throw new IllegalArgumentException("64-bit mode has no base for " + segment);
        }
    }

    /** Memory at {@code base + index * scale + displacement}; {@code base} and {@code index} may be null. */
    public Mem(Gpr base, Gpr index, int scale, int displacement) {
        this(null, base, index, scale, displacement, false);
    }

    /** Memory at {@code base}. */
    public static Mem at(Gpr base) {
        return at(base, 0);
    }

    /** Memory at {@code base + displacement}. */
    public static Mem at(Gpr base, int displacement) {
        return new Mem(Objects.requireNonNull(base), null, 1, displacement);
    }

    /** Memory at {@code base + index * scale + displacement}. */
    public static Mem at(Gpr base, Gpr index, int scale, int displacement) {
        return new Mem(Objects.requireNonNull(base), Objects.requireNonNull(index), scale, displacement);
    }

    /** Memory at a sign-extended 32-bit address. */
    public static Mem absolute(int address) {
        return new Mem(null, null, 1, address);
    }

    /** The same in segment FS or GS. */
    public Mem in(Segment other) {
        return new Mem(other, base, index, scale, displacement, truncated);
    }

    /** The same with the address cut to 32 bits. */
    public Mem truncate() {
        return new Mem(segment, base, index, scale, displacement, true);
    }

    /** The same {@code bytes} further on. */
    public Mem plus(int bytes) {
        return new Mem(segment, base, index, scale, Math.addExact(displacement, bytes), truncated);
    }
}
