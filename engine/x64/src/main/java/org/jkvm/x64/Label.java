package org.jkvm.x64;

import java.util.ArrayList;
import java.util.List;

/** A place in the code of one {@link Assembler}: may be referred to before it is bound. */
public final class Label {
    private static final int UNBOUND = -1;
    private int position = UNBOUND;
    private final List<Use> uses = new ArrayList<>(2);

    /** A displacement of {@code size} bytes at {@code at}, relative to {@code end}. */
    record Use(int at, int size, int end) {
    }

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

    /** Notes a displacement, to be filled in when the label is bound. */
    void use(Use use) {
        uses.add(use);
    }

    List<Use> uses() {
        return uses;
    }
}
