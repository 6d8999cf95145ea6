package org.jkvm.base.state;

/**
 * One direction of a state exchange. Each call names a field, gives its present value, and returns the value to keep:
 * the same when saving, the saved one when restoring. A snapshot is untrusted input: a missing name, a value out of
 * range or an array of the wrong length throws {@link StateException}.
 */
public interface StateIo {
    /** Whether this exchange restores. */
    boolean restoring();

    /** An integer that fits {@code bits} bits, unsigned (1 to 64). */
    long bits(String name, int bits, long value);

    /** A text. */
    String text(String name, String value);

    /** Bytes of a fixed length: {@code value} is filled in place when restoring. */
    void bytes(String name, byte[] value);

    /** Bytes of any length up to {@code maxLength}. */
    byte[] blob(String name, byte[] value, int maxLength);

    /** A part with names of its own. */
    void part(String name, Stateful part);

    /** An unsigned 8-bit field. */
    default int u8(String name, int value) {
        return (int) bits(name, 8, value & 0xff);
    }

    /** An unsigned 16-bit field. */
    default int u16(String name, int value) {
        return (int) bits(name, 16, value & 0xffff);
    }

    /** A 32-bit field, returned with its bits as a Java int. */
    default int u32(String name, int value) {
        return (int) bits(name, 32, value & 0xffff_ffffL);
    }

    /** A 64-bit field. */
    default long u64(String name, long value) {
        return bits(name, 64, value);
    }

    /** A yes or no. */
    default boolean flag(String name, boolean value) {
        return bits(name, 1, value ? 1 : 0) != 0;
    }

    /** One of an enum's constants, by name. */
    default <E extends Enum<E>> E choice(String name, Class<E> type, E value) {
        String chosen = text(name, value.name());
        for (E constant : type.getEnumConstants()) {
            if (constant.name().equals(chosen)) {
                return constant;
            }
        }
        throw new StateException(name + ": no " + type.getSimpleName() + " named " + chosen);
    }
}
