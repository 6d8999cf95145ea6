package org.jkvm.storage;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/** What tests of disks have in common. */
final class Disks {
    private Disks() {
    }

    static byte[] random(long seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    /** Waits for a request; its failure is thrown as it is. */
    static void await(Future<Void> request) throws IOException {
        get(request);
    }

    /** Waits for an answer; its failure is thrown as it is. */
    static <T> T get(Future<T> request) throws IOException {
        try {
            return request.get(60, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            throw new AssertionError(e.getCause());
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    static void write(Image image, long offset, byte[] data) throws IOException {
        try (Arena arena = Arena.ofShared()) {
            await(image.write(offset, arena.allocateFrom(ValueLayout.JAVA_BYTE, data)));
        }
    }

    static byte[] read(Image image, long offset, int length) throws IOException {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment target = arena.allocate(length);
            target.fill((byte) 0x5a);
            await(image.read(offset, target));
            return target.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    static void requireQemuImg() {
        Assumptions.assumeTrue(qemuImg(Path.of("."), "--version").status() == 0, "qemu-img is not installed");
    }

    record Outcome(int status, String output) {
    }

    /** Runs qemu-img in {@code folder}; status -1 where there is none. */
    static Outcome qemuImg(Path folder, String... arguments) {
        List<String> command = new ArrayList<>(List.of(arguments));
        command.addFirst("qemu-img");
        return run(folder, command);
    }

    static Outcome run(Path folder, List<String> command) {
        try {
            Process process = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
            String output = new String(process.getInputStream().readAllBytes());
            return new Outcome(process.waitFor(), output);
        } catch (IOException e) {
            return new Outcome(-1, e.getMessage());
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
