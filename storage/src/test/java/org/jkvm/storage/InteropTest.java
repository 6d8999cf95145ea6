package org.jkvm.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every format and option that jkvm and qemu-img both have: made by one, read, changed and checked by the other, byte
 * for byte. What it shows is the table in docs/formats.md.
 */
class InteropTest {
    private static final int RETRIES = 20;
    private static final int SIZE = 5 << 20;
    private static final String SECRET_OBJECT = "secret,id=key,data=correct horse";

    @TempDir
    Path folder;
    private byte[] data;

    static List<Variant> variants() {
        return Variant.all();
    }

    @BeforeEach
    void makeData() throws IOException {
        Disks.requireQemuImg();
        data = Disks.random(7, SIZE);
        Arrays.fill(data, 1 << 20, (1 << 20) + 700_000, (byte) 'x');
        Arrays.fill(data, 2 << 20, (2 << 20) + 512 * 900, (byte) 0);
        Files.write(folder.resolve("data.raw"), data);
    }

    private void qemuImg(String... words) {
        Disks.Outcome outcome = Disks.qemuImg(folder, words);
        // Where processors are busy qemu-img may not find out how long a passphrase is to be stirred, and gives up.
        for (int i = 0; i < RETRIES && outcome.output().contains("Unable to get accurate CPU usage"); i++) {
            outcome = Disks.qemuImg(folder, words);
        }
        assertThat(outcome.status()).as(List.of(words) + ": " + outcome.output()).isZero();
    }

    /** What names the image to QEMU's tools, its secret too. */
    private static List<String> source(Variant v, String file) {
        if (v.made().secret() == null) {
            return List.of("-f", v.format(), file);
        }
        String key = v.format().equals("luks") ? "key-secret" : "encrypt.key-secret";
        return List.of("--object", SECRET_OBJECT, "--image-opts",
                "driver=" + v.format() + "," + key + "=key,file.filename=" + file);
    }

    private void convert(Variant v, String file) {
        List<String> words = new ArrayList<>(List.of("convert", "-f", "raw", "-O", v.format()));
        if (!v.options().isEmpty()) {
            words.addAll(List.of("-o", v.options()));
        }
        if (v.made().secret() != null) {
            words.addAll(List.of("--object", SECRET_OBJECT));
        }
        words.addAll(List.of("data.raw", file));
        qemuImg(words.toArray(String[]::new));
    }

    /** qemu-img finds nothing wrong, and reads what was written. */
    private void assertQemuAgrees(Variant v, String file) throws IOException {
        Files.write(folder.resolve("expected.raw"), data);
        if (v.checked()) {
            List<String> check = new ArrayList<>(List.of("check"));
            check.addAll(source(v, file));
            qemuImg(check.toArray(String[]::new));
        }
        List<String> back = new ArrayList<>(List.of("convert"));
        back.addAll(source(v, file));
        back.addAll(List.of("-O", "raw", "back.raw"));
        qemuImg(back.toArray(String[]::new));
        assertThat(Arrays.mismatch(Files.readAllBytes(folder.resolve("back.raw")), data)).isEqualTo(-1);
    }

    private Image open(Variant v, String file) {
        return Images.open(folder.resolve(file), v.opened());
    }

    private void assertHolds(Image disk) throws IOException {
        assertThat(disk.size()).isEqualTo(SIZE);
        assertThat(Arrays.mismatch(Disks.read(disk, 0, SIZE), data)).isEqualTo(-1);
        assertThat(disk.check().map(CheckResult::messages).orElse(List.of())).isEmpty();
    }

    private void change(Image disk, int seed) throws IOException {
        for (int i = 0; i < 12; i++) {
            int offset = i * 437_000 & -512;
            byte[] piece = Disks.random(seed + i, Math.min(512 * (1 + i * 13), SIZE - offset));
            Disks.write(disk, offset, piece);
            System.arraycopy(piece, 0, data, offset, piece.length);
        }
        Disks.await(disk.writeZeroes(512 * 5000, 512 * 1500, true));
        Arrays.fill(data, 512 * 5000, 512 * 6500, (byte) 0);
    }

    @ParameterizedTest
    @MethodSource("variants")
    void readsAndChangesWhatQemuMade(Variant v) throws IOException {
        convert(v, "there.img");
        try (Image disk = open(v, "there.img")) {
            assertHolds(disk);
            change(disk, 100);
            assertHolds(disk);
        }
        try (Image disk = open(v, "there.img")) {
            assertHolds(disk);
        }
        assertQemuAgrees(v, "there.img");
    }

    @ParameterizedTest
    @MethodSource("variants")
    void qemuReadsAndChangesWhatWasMadeHere(Variant v) throws IOException {
        Images.create(folder.resolve("here.img"), v.made(SIZE));
        byte[] zeroes = new byte[SIZE];
        byte[] kept = data;
        data = zeroes;
        assertQemuAgrees(v, "here.img");
        data = kept;
        try (Image disk = open(v, "here.img")) {
            Disks.write(disk, 0, data);
            assertHolds(disk);
        }
        assertQemuAgrees(v, "here.img");
        if (v.changed()) {
            qemuWrites(v, "here.img");
            assertQemuAgrees(v, "here.img");
        }
        try (Image disk = open(v, "here.img")) {
            assertHolds(disk);
        }
    }

    private void qemuWrites(Variant v, String file) {
        List<String> words = new ArrayList<>(List.of("qemu-io"));
        words.addAll(source(v, file));
        words.addAll(List.of("-c", "write -P 0x5b 1000k 777k", "-c", "write -z 3000k 500k", "-c", "write -P 0x11 4999k 2k"));
        Disks.Outcome outcome = Disks.run(folder, words);
        assertThat(outcome.status()).as(outcome.output()).isZero();
        Arrays.fill(data, 1000 << 10, 1777 << 10, (byte) 0x5b);
        Arrays.fill(data, 3000 << 10, 3500 << 10, (byte) 0);
        Arrays.fill(data, 4999 << 10, 5001 << 10, (byte) 0x11);
    }

    /** Two tests above for each row: the table has no row that they do not run. */
    @Test
    void theTableIsTheOneInTheDocumentation() throws IOException {
        StringBuilder table = new StringBuilder("| format and options | qemu-img's: read, changed here | ours: read there |"
                + " ours: changed there | checked there |\n|---|---|---|---|---|\n");
        for (Variant v : Variant.all()) {
            table.append("| ").append(v.title()).append(" | yes | yes | ").append(v.changed() ? "yes" : "–").append(" | ")
                    .append(v.checked() ? "yes" : "–").append(" |\n");
        }
        Path page = page();
        String text = Files.readString(page);
        String start = "<!-- table: InteropTest -->\n";
        String end = "<!-- end of table -->\n";
        int from = text.indexOf(start) + start.length();
        int to = text.indexOf(end);
        if (Boolean.getBoolean("jkvm.regenerate")) {
            Files.writeString(page, text.substring(0, from) + table + text.substring(to));
        } else {
            assertThat(text.substring(from, to)).as("run with -Djkvm.regenerate=true").isEqualTo(table.toString());
        }
    }

    private static Path page() {
        Path here = Path.of("").toAbsolutePath();
        Path root = Files.exists(here.resolve("docs/formats.md")) ? here : here.getParent();
        return root.resolve("docs/formats.md");
    }
}
