package org.jkvm.x64;

import java.util.Objects;

/**
 * Memory at {@code base + index * scale + displacement}.
 *
 * @param base         base register, or null
 * @param index        index register, or null; never RSP
 * @param scale        1, 2, 4 or 8
 * @param displacement signed displacement; without base and index, an absolute address
 */
public record Mem(Gpr base, Gpr index, int scale, int displacement) implements Memory {
    /** Refuses what SIB cannot express (Intel SDM vol. 2A, table 2-3). */
    public Mem {
        if (index == Gpr.RSP || scale != 1 && scale != 2 && scale != 4 && scale != 8) {
            throw new IllegalArgumentException("no addressing mode has index " + index + " times " + scale);
        }
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
}
