package org.jkvm.base.register;

import java.util.function.Supplier;

/** Sees every guest access to a chip's registers. Called on the accessing thread, with the bus lock held. */
@FunctionalInterface
public interface RegisterTrace {
    /**
     * One access.
     *
     * @param chip     the chip's name
     * @param register the register's name, or an undeclared offset as "?1fh"
     * @param write    whether the guest wrote
     * @param value    what was read or written
     * @param text     makes {@code value} readable with its fields' names; costs only when called
     */
    void access(String chip, String register, boolean write, long value, Supplier<String> text);

    /** The guest has touched something that is not declared, or does nothing; told once for each of them. */
    default void ignored(String chip, String what) {
    }
}
