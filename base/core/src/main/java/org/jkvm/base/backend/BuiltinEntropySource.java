package org.jkvm.base.backend;

import java.security.SecureRandom;
import java.util.concurrent.CompletableFuture;

/** {@code -object rng-builtin}: the runtime's cryptographic generator, which never runs dry. */
public final class BuiltinEntropySource implements EntropySource {
    private final SecureRandom random = new SecureRandom();

    @Override
    public CompletableFuture<byte[]> read(int wanted) {
        byte[] bytes = new byte[wanted];
        random.nextBytes(bytes);
        return CompletableFuture.completedFuture(bytes);
    }

    @Override
    public void close() {
    }
}
