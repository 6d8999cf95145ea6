package org.jkvm.x64;

import java.util.Arrays;

/** A place in the code of one {@link Assembler}: may be jumped to before it is bound. */
public final class Label {
    private static final int UNBOUND = -1;
    private int position = UNBOUND;
    private int[] uses = new int[2];
    private int useCount;

    /** An unbound label. */
    public Label() {
    }

    boolean isBound() {
        return position != UNBOUND;
    }

    int position() {
        return position;
    }

    void bind(int at) {
        if (isBound()) {
            throw new IllegalStateException("a label marks one place only");
        }
        position = at;
    }

    /** Notes a 32-bit displacement field at {@code at}, to be filled in when the label is bound. */
    void use(int at) {
        if (useCount == uses.length) {
            uses = Arrays.copyOf(uses, useCount * 2);
        }
        uses[useCount++] = at;
    }

    int[] uses() {
        return Arrays.copyOf(uses, useCount);
    }
}
