package org.jkvm.base.backend;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jkvm.base.UserException;

/** {@code -object rng-random,filename=}: a random device of the host, read on a thread of its own because it may wait. */
public final class FileEntropySource implements EntropySource {
    private final Path file;
    private final InputStream input;
    private final ExecutorService reader;

    /**
     * Opens {@code file}.
     *
     * @throws UserException when it can't be opened for reading
     */
    public FileEntropySource(Path file) {
        this.file = file;
        try {
            input = Files.newInputStream(file);
        } catch (IOException e) {
            throw new UserException("rng-random: can't read '" + file + "': filename= must name a random device, such as"
                    + " /dev/urandom");
        }
        reader = Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().name("rng " + file).factory());
    }

    @Override
    public CompletableFuture<byte[]> read(int wanted) {
        CompletableFuture<byte[]> result = new CompletableFuture<>();
        reader.execute(() -> read(wanted, result));
        return result;
    }

    @Override
    public void close() {
        reader.shutdownNow();
        try {
            input.close();
        } catch (IOException e) {
            throw new UserException("rng-random: closing '" + file + "': " + e.getMessage());
        }
    }

    private void read(int wanted, CompletableFuture<byte[]> result) {
        byte[] bytes = new byte[wanted];
        try {
            int count = input.read(bytes);
            if (count <= 0) {
                throw new IOException("end of '" + file + "'");
            }
            result.complete(count == wanted ? bytes : Arrays.copyOf(bytes, count));
        } catch (IOException e) {
            result.completeExceptionally(e);
        }
    }
}
