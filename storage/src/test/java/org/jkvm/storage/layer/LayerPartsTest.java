package org.jkvm.storage.layer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jkvm.linux.FileStatus;
import org.jkvm.linux.HostFile;
import org.jkvm.storage.CacheMode;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LayerPartsTest {
    @TempDir
    Path folder;

    @Test
    void directFilesTakeAnyAlignment() throws IOException {
        HostFile host = HostFile.open(folder.resolve("file"), HostFile.Access.CREATE);
        Assumptions.assumeTrue(host.bypassCache(), "the file system has no O_DIRECT");
        FileStatus real = host.status();
        FileStatus coarse = new FileStatus(real.kind(), 0, 0, 0, 0, 4096, 4096);
        byte[] expected = new byte[300_000];
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        try (HostImageFile file = new HostImageFile(host, coarse, CacheMode.NONE, true)) {
            for (int i = 0; i < 200; i++) {
                int from = random.nextInt(expected.length);
                byte[] data = new byte[random.nextInt(expected.length - from)];
                random.nextBytes(data);
                System.arraycopy(data, 0, expected, from, data.length);
                file.write(from, MemorySegment.ofArray(data));
            }
            byte[] now = new byte[expected.length + 50_000];
            file.read(0, MemorySegment.ofArray(now));
            assertThat(now).as("seed " + seed).isEqualTo(Arrays.copyOf(expected, now.length));
        }
    }

    @Test
    void exclusiveLocksKeepOthersOutAndSharedDoNot() throws Exception {
        RangeLocks locks = new RangeLocks();
        CompletableFuture<Void> writer;
        AtomicBoolean entered = new AtomicBoolean();
        try (RangeLocks.Held _ = locks.shared(0, 10)) {
            try (RangeLocks.Held _ = locks.exclusive(11, 20)) {
                writer = CompletableFuture.runAsync(() -> {
                    try (RangeLocks.Held _ = locks.exclusive(10, 12)) {
                        entered.set(true);
                    }
                });
            }
            TimeUnit.MILLISECONDS.sleep(20);
            assertThat(entered).isFalse();
        }
        writer.get(10, TimeUnit.SECONDS);
        assertThat(entered).isTrue();
    }

    @Test
    void fileSaysWhatItIs() {
        try (HostFile file = HostFile.open(folder.resolve("file"), HostFile.Access.CREATE)) {
            file.write(8191, MemorySegment.ofArray(new byte[] {1}));
            assertThat(file.status().kind()).isEqualTo(FileStatus.Kind.REGULAR);
            assertThat(file.status().size()).isEqualTo(8192);
            assertThat(file.punchHole(4096, 4096) || file.status().allocated() > 0).isTrue();
        }
        try (HostFile directory = HostFile.open(folder, HostFile.Access.READ)) {
            assertThat(directory.status().kind()).isEqualTo(FileStatus.Kind.DIRECTORY);
        }
    }
}
