package org.jkvm.app.settings;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Where random bytes come from.
 *
 * @param id       its name; empty for the one that a device has of its own
 * @param filename the host file that is read; empty for the host's generator
 */
public record RandomSource(String id, Optional<Path> filename) {
    /** The host's generator. */
    static final RandomSource BUILT_IN = new RandomSource("", Optional.empty());
}
