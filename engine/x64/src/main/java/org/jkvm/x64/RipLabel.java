package org.jkvm.x64;

import java.util.Objects;

/**
 * Memory in the code being assembled, encoded relative to the next instruction: constants, and addresses to resume at.
 *
 * @param label the place, bound before or after
 */
public record RipLabel(Label label) implements Memory {
    /** Refuses null. */
    public RipLabel {
        Objects.requireNonNull(label);
    }
}
