package org.jkvm.base.backend;

import java.util.concurrent.CompletableFuture;

/** Where a guest's random numbers come from ({@code -object rng-random}, {@code rng-builtin}). */
public interface EntropySource extends AutoCloseable {
    /**
     * Asks for 1 to {@code wanted} random bytes. Returns at once; completes on a thread of the source's choosing, perhaps
     * much later, with an {@link java.io.IOException} where the source has failed for good. From any thread.
     */
    CompletableFuture<byte[]> read(int wanted);

    /** Lets go of the source; what was asked for may fail. */
    @Override
    void close();
}
