package org.jkvm.storage.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jkvm.storage.CacheMode;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The server's machine loses its power, and with it everything that was not flushed; then it comes back. */
@Timeout(120)
class ServerCrashTest {
    private static final int MIB = 1 << 20;
    private static final int WRITERS = 4;
    private static final int REGION = 4 * MIB;

    @TempDir
    private Path folder;
    private Path disk;
    private Path durable;
    private Server server;
    private final AtomicInteger flushes = new AtomicInteger();
    // What the server's image says to what is asked of it; null for nothing.
    private volatile IOException onWrite;
    private volatile IOException onFlush;

    @BeforeEach
    void start() throws IOException {
        disk = folder.resolve("disk.raw");
        durable = folder.resolve("durable.raw");
        Images.create(disk, CreateOptions.of("raw", 20 * MIB));
        Files.copy(disk, durable);
        server = served();
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    private Server served() throws IOException {
        Image image = Server.open(disk, false);
        Image watched = (Image) Proxy.newProxyInstance(Image.class.getClassLoader(), new Class<?>[] {Image.class},
                (_, method, arguments) -> answer(image, method, arguments));
        return new Server(folder.resolve("socket"), watched, new Server.Limits(false, null, 10_000, 1));
    }

    private Object answer(Image image, Method method, Object... arguments) throws Throwable {
        IOException refusal = method.getName().equals("write") ? onWrite : method.getName().equals("flush") ? onFlush : null;
        if (refusal != null) {
            return CompletableFuture.failedFuture(refusal);
        }
        try {
            return method.getName().equals("flush") ? image.flush().thenRun(this::keep) : method.invoke(image, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    /** What is in the file now stays there. */
    private synchronized void keep() {
        try {
            Files.copy(disk, durable, StandardCopyOption.REPLACE_EXISTING);
            flushes.incrementAndGet();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private void crash() throws IOException {
        server.close();
        Files.copy(durable, disk, StandardCopyOption.REPLACE_EXISTING);
    }

    private Image open() {
        return Images.open(server.address("&reconnect-delay=60"), OpenOptions.defaults().withFormat("raw").withThreads(8));
    }

    private static void write(Image image, long offset, int length, int value) {
        byte[] data = new byte[length];
        Arrays.fill(data, (byte) value);
        image.write(offset, MemorySegment.ofArray(data)).join();
    }

    private void assertContents(long offset, int length, int value) throws IOException {
        byte[] found = Arrays.copyOfRange(Files.readAllBytes(durable), (int) offset, (int) offset + length);
        assertThat(found).containsOnly((byte) value);
    }

    @Test
    void whatWasNotFlushedIsMadeAgain() throws IOException {
        try (Image remote = open()) {
            write(remote, 0, MIB, 1);
            write(remote, 4 * MIB, 5 * MIB, 1);
            remote.flush().join();
            write(remote, 4096, 8192, 2);
            write(remote, 8192, 8192, 3);
            remote.writeZeroes(5 * MIB, MIB, true).join();
            remote.discard(7 * MIB, MIB).join();
            write(remote, 7 * MIB, 512, 4);
            crash();
            server = served();
            remote.flush().join();
        }
        assertContents(0, 4096, 1);
        assertContents(4096, 4096, 2);
        assertContents(8192, 8192, 3);
        assertContents(5 * MIB, MIB, 0);
        assertContents(7 * MIB, 512, 4);
        assertContents(8 * MIB, MIB, 1);
    }

    /** More than is remembered: the server is made to flush in between. */
    @Test
    void howeverMuchIsWrittenNothingIsLost() throws IOException {
        try (Image remote = open()) {
            for (int i = 0; i < 60; i++) {
                write(remote, (long) i % 20 * MIB, MIB, i + 1);
            }
            crash();
            assertThat(flushes.get()).isPositive();
            server = served();
            remote.flush().join();
        }
        for (int i = 0; i < 20; i++) {
            assertContents((long) i * MIB, MIB, i + 41);
        }
    }

    @Test
    void randomChangesSurviveManyCrashes() throws Exception {
        long seed = Long.getLong("jkvm.seed", System.nanoTime());
        byte[][] expected = new byte[WRITERS][REGION];
        try (Image remote = open(); ExecutorService writers = Executors.newFixedThreadPool(WRITERS)) {
            CompletableFuture<?>[] all = new CompletableFuture<?>[WRITERS];
            for (int i = 0; i < WRITERS; i++) {
                int which = i;
                all[i] = CompletableFuture.runAsync(() ->
                        change(remote, which * (long) REGION, expected[which], new Random(seed + which)), writers);
            }
            Random random = new Random(seed);
            for (int i = 0; i < 5; i++) {
                TimeUnit.MILLISECONDS.sleep(random.nextInt(150));
                crash();
                server = served();
            }
            CompletableFuture.allOf(all).join();
            crash();
            server = served();
            remote.flush().join();
        }
        byte[] found = Files.readAllBytes(durable);
        for (int i = 0; i < WRITERS; i++) {
            assertThat(Arrays.mismatch(expected[i], Arrays.copyOfRange(found, i * REGION, (i + 1) * REGION)))
                    .as("seed " + seed + " writer " + i).isNegative();
        }
    }

    private static void change(Image remote, long start, byte[] expected, Random random) {
        for (int i = 0; i < 300; i++) {
            int at = random.nextInt(REGION / 512) * 512;
            int length = Math.min(REGION - at, 512 * (1 + random.nextInt(300)));
            int what = random.nextInt(30);
            byte value = (byte) (what < 22 ? 1 + random.nextInt(100) : 0);
            if (what == 29) {
                remote.flush().join();
            } else if (what >= 22) {
                remote.writeZeroes(start + at, length, random.nextBoolean()).join();
                Arrays.fill(expected, at, at + length, value);
            } else {
                write(remote, start + at, length, value);
                Arrays.fill(expected, at, at + length, value);
            }
        }
    }

    @Test
    void whatCannotBeMadeAgainFailsEveryFlush() throws IOException {
        Image remote = open();
        write(remote, 0, 4096, 1);
        crash();
        onWrite = new IOException("the medium is worn out");
        server = served();
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> remote.flush().join()).hasMessageContaining("may be lost")
                    .hasMessageContaining("the medium is worn out");
        }
        assertThatThrownBy(remote::close).hasMessageContaining("may be lost");
    }

    /** As convert does: it must not say that all is well. */
    @Test
    void whatWasNeverToBeFlushedIsNotLostInSilence() throws IOException {
        Image remote = Images.open(server.address(""), OpenOptions.defaults().withFormat("raw").withCache(CacheMode.UNSAFE));
        write(remote, 0, 4096, 1);
        remote.flush().join();
        assertThat(flushes.get()).isZero();
        crash();
        server = served();
        write(remote, 4096, 4096, 1);
        assertThatThrownBy(remote::close).hasMessageContaining("may be lost (cache=unsafe: nothing was flushed)");
    }

    /** The server's kernel says once that it could not write: who asks next must not hear that all is well. */
    @Test
    void aFlushThatNobodyAskedForIsNotAllowedToFailUnheard() throws Exception {
        try (Image remote = open()) {
            onFlush = new IOException("write-back failed");
            for (int i = 0; i < 17; i++) {
                write(remote, i * (long) MIB, MIB, 1);
            }
            TimeUnit.MILLISECONDS.sleep(500);
            onFlush = null;
            assertThatThrownBy(() -> remote.flush().join()).hasMessageContaining("write-back failed");
            remote.flush().join();
        }
    }
}
