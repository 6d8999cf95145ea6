package org.jkvm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Images that QEMU's tools made, used here, and judged by QEMU's tools again. */
class QemuInteropTest {
    private static final int SIZE = 3 << 20;

    @TempDir
    Path folder;
    private byte[] data;

    @BeforeEach
    void makeData() throws IOException {
        Disks.requireQemuImg();
        data = Disks.random(7, SIZE);
        // Text-like stretches and holes, so that compression and sparseness have something to do.
        Arrays.fill(data, 1 << 20, (1 << 20) + 700_000, (byte) 'x');
        Arrays.fill(data, 2 << 20, (2 << 20) + 512 * 900, (byte) 0);
        Files.write(folder.resolve("data.raw"), data);
    }

    private void qemuImg(String line) {
        Disks.Outcome outcome = Disks.qemuImg(folder, line.split(" "));
        assertThat(outcome.status()).as(line + ": " + outcome.output()).isZero();
    }

    private Image open(String name) {
        return Images.open(folder.resolve(name), OpenOptions.defaults());
    }

    private void overwrite(Image disk, int seed, int offset, int length) throws IOException {
        byte[] piece = Disks.random(seed, length);
        Disks.write(disk, offset, piece);
        System.arraycopy(piece, 0, data, offset, length);
    }

    private void assertHolds(String name) throws IOException {
        try (Image disk = open(name)) {
            assertThat(Arrays.mismatch(Disks.read(disk, 0, SIZE), data)).isEqualTo(-1);
            assertThat(disk.check().orElseThrow().messages()).isEmpty();
        }
        qemuImg("check " + name);
        Files.write(folder.resolve("data.raw"), data);
        qemuImg("compare -f raw -F qcow2 data.raw " + name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-o compat=0.10", "-o refcount_bits=1", "-o refcount_bits=4,cluster_size=512",
        "-o refcount_bits=64,cluster_size=2M", "-o cluster_size=4k,preallocation=metadata", "-c", "-c -o cluster_size=4k",
        "-c -o compression_type=zstd", "-c -o compression_type=zstd,cluster_size=512", "-c -o compat=0.10"})
    void usesWhatQemuMade(String options) throws IOException {
        qemuImg("convert -f raw -O qcow2 " + options + " data.raw d.qcow2");
        try (Image disk = open("d.qcow2")) {
            assertThat(Arrays.mismatch(Disks.read(disk, 0, SIZE), data)).isEqualTo(-1);
            for (int i = 0; i < 20; i++) {
                overwrite(disk, i, (i * 137_000 & -512), 512 * (1 + i * 13));
            }
        }
        assertHolds("d.qcow2");
    }

    @Test
    void keepsSnapshots() throws IOException {
        qemuImg("convert -f raw -O qcow2 -o cluster_size=4k data.raw d.qcow2");
        qemuImg("snapshot -c before d.qcow2");
        byte[] before = data.clone();
        try (Image disk = open("d.qcow2")) {
            assertThat(disk.info().snapshots()).extracting(ImageInfo.Snapshot::name).containsExactly("before");
            overwrite(disk, 1, 4096 * 3 + 512, 300 * 512);
            Disks.await(disk.writeZeroes(1 << 20, 512 * 1024, true));
            Arrays.fill(data, 1 << 20, (1 << 20) + 512 * 1024, (byte) 0);
            Disks.await(disk.discard(2 << 20, 64 * 1024));
            Arrays.fill(data, 2 << 20, (2 << 20) + 64 * 1024, (byte) 0);
        }
        assertHolds("d.qcow2");
        qemuImg("snapshot -a before d.qcow2");
        data = before;
        assertHolds("d.qcow2");
    }

    @Test
    void readsThroughAChain() throws IOException {
        qemuImg("convert -f raw -O qcow2 -c data.raw base.qcow2");
        qemuImg("create -q -f qcow2 -b base.qcow2 -F qcow2 middle.qcow2");
        qemuImg("create -q -f qcow2 -o cluster_size=512 -b middle.qcow2 -F qcow2 d.qcow2");
        try (Image disk = open("middle.qcow2")) {
            overwrite(disk, 1, 512 * 100, 512 * 200);
        }
        try (Image disk = open("d.qcow2")) {
            overwrite(disk, 2, 512 * 150, 512 * 300);
            Disks.await(disk.writeZeroes(512 * 200, 512 * 10, true));
            Arrays.fill(data, 512 * 200, 512 * 210, (byte) 0);
        }
        assertHolds("d.qcow2");
    }

    @Test
    void excludesQemuAndIsExcludedByIt() throws IOException {
        Images.create(folder.resolve("d.qcow2"), CreateOptions.of("qcow2", SIZE));
        try (Image disk = open("d.qcow2")) {
            assertThat(disk.readOnly()).isFalse();
            assertThat(Disks.qemuImg(folder, "info", "d.qcow2").output()).contains("lock");
            assertThat(Disks.qemuImg(folder, "resize", "d.qcow2", "10M").output()).contains("lock");
            assertThat(Disks.qemuImg(folder, "info", "-U", "d.qcow2").status()).isZero();
        }
        Process qemu = new ProcessBuilder("qemu-io", "-f", "qcow2", "d.qcow2").directory(folder.toFile())
                .redirectErrorStream(true).start();
        try {
            assertThat(qemu.inputReader().read()).isEqualTo('q');
            assertThatThrownBy(() -> open("d.qcow2")).hasMessageContaining("in use");
            assertThatThrownBy(() -> Images.inspect(folder.resolve("d.qcow2"), OpenOptions.defaults()))
                    .hasMessageContaining("in use");
        } finally {
            qemu.destroyForcibly().onExit().join();
        }
        open("d.qcow2").close();
    }

    @Test
    void keepsHeaderExtensionsAndBitmaps() throws IOException {
        qemuImg("convert -f raw -O qcow2 data.raw d.qcow2");
        qemuImg("bitmap --add d.qcow2 b0");
        try (Image disk = Images.inspect(folder.resolve("d.qcow2"), OpenOptions.defaults())) {
            assertThat(disk.check().orElseThrow().messages()).isEmpty();
        }
        try (Image disk = open("d.qcow2")) {
            overwrite(disk, 1, 0, 4096);
        }
        assertThat(Disks.qemuImg(folder, "info", "d.qcow2").output()).contains("name: b0").doesNotContain("in-use");
        try (Image disk = open("d.qcow2")) {
            assertThat(Arrays.mismatch(Disks.read(disk, 0, SIZE), data)).isEqualTo(-1);
        }
    }

    @Test
    void refusesOtherFormatsByName() {
        qemuImg("create -q -f qcow d.qcow 1M");
        assertThatThrownBy(() -> open("d.qcow")).hasMessageContaining("has format qcow");
    }

    @Test
    void growsWhatQemuThenReads() throws IOException {
        Images.create(folder.resolve("d.qcow2"), new CreateOptions("qcow2", SIZE, CreateOptions.Preallocation.OFF,
                512, 3, 16, false, false, null, null));
        int larger = 40 << 20;
        data = Arrays.copyOf(data, larger);
        try (Image disk = open("d.qcow2")) {
            Disks.write(disk, 0, Arrays.copyOf(data, SIZE));
            disk.grow(larger);
            overwrite(disk, 3, 30 << 20, 5 << 20);
        }
        qemuImg("check d.qcow2");
        Files.write(folder.resolve("data.raw"), data);
        qemuImg("compare -f raw -F qcow2 data.raw d.qcow2");
    }
}
