package org.jkvm.storage;

import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

/** Waiting for requests that are under way. */
final class Requests {
    private Requests() {
    }

    /**
     * The result of {@code request}, once it is there.
     *
     * @throws IOException its failure
     */
    static <T> T await(Future<T> request) throws IOException {
        try {
            return request.get();
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException failure ? failure : new IOException(e.getCause());
        }
    }
}
