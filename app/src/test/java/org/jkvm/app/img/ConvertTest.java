package org.jkvm.app.img;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jkvm.storage.BlockStatus;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** convert, compare, map, measure and resize: results, words and exit statuses are qemu-img's. */
class ConvertTest {
    private static final int SIZE = (5 << 20) + 512 * 3;

    @TempDir
    Path folder;
    private byte[] data;

    private record Outcome(int status, String out, String err) {
    }

    @BeforeEach
    void makeSource() throws IOException {
        data = new byte[SIZE];
        new Random(1).nextBytes(data);
        Arrays.fill(data, 100_000, 1 << 20, (byte) 0);
        Arrays.fill(data, 1 << 20, 2 << 20, (byte) 'x');
        Arrays.fill(data, 3 << 20, (4 << 20) + 4096 * 5, (byte) 0);
        Files.write(folder.resolve("d.raw"), data);
    }

    private Outcome run(String line) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int status = KvmImg.run(line.replace("@", folder + "/").split(" "), new PrintStream(out, true),
                new PrintStream(err, true));
        return new Outcome(status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    private void ok(String line) {
        assertThat(run(line)).as(line).returns(0, Outcome::status).returns("", Outcome::err);
    }

    private void refused(String line, String message) {
        Outcome outcome = run(line);
        assertThat(outcome.err()).as(line).startsWith("kvm-img: ").contains(message).hasLineCount(1);
        assertThat(outcome.status()).isEqualTo(1);
    }

    private Outcome qemu(String line) throws IOException {
        List<String> words = new ArrayList<>(List.of(line.replace("@", folder + "/").split(" ")));
        words.addFirst("qemu-img");
        try {
            Process process = new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.DISCARD).start();
            String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Outcome(process.onExit().join().exitValue(), out, "");
        } catch (IOException e) {
            return Assumptions.abort("qemu-img is not installed");
        }
    }

    /** The same words and the same exit status from both. */
    private Outcome same(String line) throws IOException {
        Outcome ours = run(line);
        Outcome theirs = qemu(line);
        assertThat(ours.out()).as(line).isEqualTo(theirs.out());
        assertThat(ours.status()).as(line).isEqualTo(theirs.status());
        return ours;
    }

    private void assertHolds(String name, String format) throws IOException {
        ok("convert -f " + format + " -O raw @" + name + " @back.raw");
        assertThat(Arrays.mismatch(Files.readAllBytes(folder.resolve("back.raw")), data)).isEqualTo(-1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-c", "-W -m 16", "-m 1 -S 64k", "-S 0", "-o cluster_size=512", "-c -o cluster_size=512",
        "-c -o cluster_size=2M", "-c -o compression_type=zstd", "-o compat=0.10", "-c -o compat=0.10",
        "-c -o refcount_bits=1", "-o preallocation=metadata", "-t none"})
    void keepsEveryByte(String options) throws IOException {
        ok(("convert -f raw -O qcow2 " + options + " @d.raw @d.qcow2").replace("  ", " "));
        assertHolds("d.qcow2", "qcow2");
        ok("check -q @d.qcow2");
        assertThat(qemu("check @d.qcow2").status()).isZero();
        assertThat(qemu("compare -f raw -F qcow2 @d.raw @d.qcow2").status()).isZero();
    }

    /** However many write at once: an image made twice is the same image, and is read from front to back. */
    @ParameterizedTest
    @ValueSource(strings = {"-m 2", "-m 16", "-m 16 -S 0", "-m 8 -o cluster_size=4k"})
    void clustersLieInTheOrderOfTheDisk(String options) throws IOException {
        byte[] much = new byte[24 << 20];
        new Random(3).nextBytes(much);
        Arrays.fill(much, 9 << 20, 11 << 20, (byte) 0);
        Files.write(folder.resolve("d.raw"), much);
        ok("convert -f raw -O qcow2 " + options + " @d.raw @d.qcow2");
        ok("compare -q -f raw -F qcow2 @d.raw @d.qcow2");
        try (Image image = Images.inspect(folder.resolve("d.qcow2"), OpenOptions.defaults())) {
            assertThat(placesOfData(image)).isSorted().isNotEmpty();
        }
        ok("convert -f raw -O qcow2 " + options + " @d.raw @again.qcow2");
        assertThat(Files.mismatch(folder.resolve("d.qcow2"), folder.resolve("again.qcow2"))).isEqualTo(-1);
    }

    private static List<Long> placesOfData(Image image) throws IOException {
        List<Long> places = new ArrayList<>();
        BlockStatus status;
        for (long at = 0; at < image.size(); at += status.length()) {
            status = image.status(at, image.size() - at);
            if (status.data()) {
                places.add(status.offset());
            }
        }
        return places;
    }

    @Test
    void packedImagesAreSmallAndReadableByQemu() throws IOException {
        byte[] text = new byte[4 << 20];
        Random random = new Random(2);
        for (int i = 0; i < text.length; i++) {
            text[i] = (byte) (i > 60_000 && i % 97 > 9 ? text[i - 50_000 + i % 3] : 'a' + random.nextInt(20));
        }
        Files.write(folder.resolve("t.raw"), text);
        ok("convert -f raw -O qcow2 -c @t.raw @t.qcow2");
        assertThat(Files.size(folder.resolve("t.qcow2"))).isLessThan(text.length * 9 / 10);
        assertThat(qemu("convert -f qcow2 -O raw @t.qcow2 @t2.raw").status()).isZero();
        assertThat(Arrays.mismatch(Files.readAllBytes(folder.resolve("t2.raw")), text)).isEqualTo(-1);
    }

    @Test
    void zeroesTakeNoStorage() throws IOException {
        ok("convert -f raw -O qcow2 @d.raw @d.qcow2");
        ok("convert -f qcow2 @d.qcow2 @sparse.raw");
        ok("convert -f qcow2 -S 0 @d.qcow2 @full.raw");
        try (Image sparse = Images.inspect(folder.resolve("sparse.raw"), OpenOptions.defaults());
                Image full = Images.inspect(folder.resolve("full.raw"), OpenOptions.defaults())) {
            assertThat(sparse.info().actualSize()).isLessThan(SIZE - (3 << 19));
            assertThat(full.info().actualSize()).isGreaterThanOrEqualTo(SIZE);
        }
        ok("compare @sparse.raw @full.raw");
    }

    @Test
    void keepsABackingFile() throws IOException {
        ok("convert -f raw -O qcow2 @d.raw @base.qcow2");
        ok("create -q -f qcow2 -b base.qcow2 -F qcow2 @top.qcow2 8M");
        try (Image top = Images.open(folder.resolve("top.qcow2"), OpenOptions.defaults())) {
            byte[] piece = Arrays.copyOfRange(data, 2 << 20, (2 << 20) + 70_000 / 512 * 512);
            top.write(1 << 20, MemorySegment.ofArray(piece)).join();
            top.writeZeroes(0, 65536 * 2, true).join();
            System.arraycopy(piece, 0, data, 1 << 20, piece.length);
            Arrays.fill(data, 0, 65536 * 2, (byte) 0);
            data = Arrays.copyOf(data, 8 << 20);
        }
        same("map --output=json @top.qcow2");
        same("map @top.qcow2");
        ok("convert -O qcow2 -B base.qcow2 -F qcow2 @top.qcow2 @copy.qcow2");
        assertThat(Files.size(folder.resolve("copy.qcow2"))).isLessThan(1 << 20);
        assertHolds("copy.qcow2", "qcow2");
        assertThat(qemu("compare @top.qcow2 @copy.qcow2").status()).isZero();
        ok("convert -O qcow2 -c -B base.qcow2 -F qcow2 @top.qcow2 @packed.qcow2");
        assertHolds("packed.qcow2", "qcow2");
    }

    @Test
    void writesIntoWhatIsThere() throws IOException {
        byte[] junk = new byte[SIZE];
        Arrays.fill(junk, (byte) 7);
        Files.write(folder.resolve("junk.raw"), junk);
        ok("convert -f raw -O qcow2 @junk.raw @there.qcow2");
        ok("convert -n -f raw -O qcow2 @d.raw @there.qcow2");
        assertHolds("there.qcow2", "qcow2");
        ok("create -q -f qcow2 @small.qcow2 1M");
        refused("convert -n -f raw -O qcow2 @d.raw @small.qcow2", "less than the");
        assertThat(folder.resolve("small.qcow2")).exists();
    }

    @Test
    void showsProgress() {
        Outcome outcome = run("convert -p -f raw -O qcow2 @d.raw @d.qcow2");
        assertThat(outcome.out()).startsWith("    (0.00/100%)\r").endsWith("    (100.00/100%)\r\n");
    }

    @Test
    void comparesInQemusWords() throws IOException {
        ok("convert -f raw -O qcow2 @d.raw @same.qcow2");
        same("compare -f raw -F qcow2 @d.raw @same.qcow2");
        data[4_900_001] ^= 1;
        Files.write(folder.resolve("other.raw"), data);
        assertThat(same("compare -f raw -F raw @d.raw @other.raw").out())
                .isEqualTo("Content mismatch at offset " + (4_900_001 & -512) + "!\n");
        same("compare -q -f raw -F raw @d.raw @other.raw");
        data[4_900_001] ^= 1;
        Files.write(folder.resolve("longer.raw"), Arrays.copyOf(data, SIZE + (1 << 20)));
        assertThat(same("compare -f raw -F raw @longer.raw @d.raw").out())
                .isEqualTo("Warning: Image size mismatch!\nImages are identical.\n");
        same("compare -s -f raw -F raw @longer.raw @d.raw");
        ok("convert -f raw @d.raw @sparse.raw");
        // qemu-img also counts where the file ends as a difference, so it finds one earlier; its manual doesn't say so.
        Outcome strict = run("compare -s -f raw -F raw @sparse.raw @d.raw");
        assertThat(strict.out()).isEqualTo("Strict mode: Offset 102400 block status mismatch!\n");
        assertThat(strict.status()).isEqualTo(qemu("compare -s -f raw -F raw @sparse.raw @d.raw").status());
        same("compare -f raw -F raw @sparse.raw @d.raw");
        same("compare -f raw -F raw @d.raw @none");
        ok("compare -s @d.raw @d.raw");
    }

    @Test
    void mapsAndMeasuresAsQemuDoes() throws IOException {
        ok("convert -f raw -O qcow2 @d.raw @d.qcow2");
        ok("convert -f raw -O raw @d.raw @sparse.raw");
        for (String image : List.of("-f raw @sparse.raw", "-f qcow2 @d.qcow2")) {
            same("map --output=json " + image);
            same("map " + image);
            same("map -s 1M -l 2500k --output=json " + image);
            same("map -s 1G --output=json " + image);
            for (String target : List.of("raw", "qcow2", "qcow2 -o cluster_size=4k,refcount_bits=64",
                    "qcow2 -o preallocation=full")) {
                same("measure -O " + target + " " + image);
                same("measure --output=json -O " + target + " " + image);
            }
        }
        for (String size : List.of("0", "1", "100G", "8T")) {
            same("measure -O qcow2 --size " + size);
            same("measure -O qcow2 -o cluster_size=2M,refcount_bits=1 --size " + size);
        }
    }

    @Test
    void resizes() throws IOException {
        ok("convert -f raw -O qcow2 @d.raw @d.qcow2");
        for (String file : List.of("-f raw @d.raw", "-f qcow2 @d.qcow2")) {
            assertThat(run("resize " + file + " +3M").out()).isEqualTo("Image resized.\n");
            refused("resize " + file + " -4M", "use --shrink");
            refused("resize " + file + " --shrink -80G", "the disk has");
            refused("resize " + file + " --shrnk 1M", "did you mean '--shrink'?");
            ok("resize -q --shrink " + file + " -4M");
        }
        data = Arrays.copyOf(data, SIZE - (1 << 20));
        assertHolds("d.qcow2", "qcow2");
        assertHolds("d.raw", "raw");
        assertThat(qemu("check @d.qcow2").status()).isZero();
    }

    @Test
    void treatsSnapshotsOnResizeAsQemuDoes() throws IOException {
        for (String compat : List.of("0.10", "1.1")) {
            ok("convert -f raw -O qcow2 -o compat=" + compat + " @d.raw @ours.qcow2");
            assertThat(qemu("snapshot -c s @ours.qcow2").status()).isZero();
            Files.copy(folder.resolve("ours.qcow2"), folder.resolve("theirs.qcow2"),
                    StandardCopyOption.REPLACE_EXISTING);
            for (String size : List.of("8M", "1M")) {
                assertThat(run("resize --shrink @ours.qcow2 " + size).status()).as(compat + " to " + size)
                        .isEqualTo(qemu("resize --shrink @theirs.qcow2 " + size).status());
            }
            assertThat(qemu("check @ours.qcow2").status()).isZero();
            assertThat(qemu("snapshot -a s @ours.qcow2").status()).isZero();
            assertHolds("ours.qcow2", "qcow2");
        }
    }

    @Test
    void refusesWithOneLine() throws IOException {
        refused("convert @d.raw", "a source and a target");
        refused("convert -c @d.raw @o.raw", "no packed clusters");
        refused("convert -S 100 @d.raw @o.raw", "a multiple of 512");
        refused("convert -m 17 @d.raw @o.raw", "1 to 16");
        refused("convert -O vmkd @d.raw @o.vmdk", "unknown image format 'vmkd'");
        refused("convert -O vmdk -o subformat=none @d.raw @o.vmdk", "streamOptimized is allowed");
        refused("convert -O qcow2 -B x.raw @d.raw @o.qcow2", "-F FORMAT");
        refused("convert -f raw @d.raw @d.raw", "in use");
        refused("map @none", "no such file");
        refused("measure -O qcow2 --size 1G @d.raw", "not both");
        try (Image inUse = Images.open(folder.resolve("d.raw"), OpenOptions.defaults().withFormat("raw"))) {
            refused("convert -f raw -O qcow2 @d.raw @o.qcow2", "in use");
            refused("resize -f raw @d.raw 10M", "in use");
            assertThat(inUse.size()).isEqualTo(SIZE);
        }
        assertThat(Files.readAllBytes(folder.resolve("d.raw"))).isEqualTo(data);
        try (var files = Files.list(folder)) {
            assertThat(files).hasSize(1);
        }
    }

    /** kill -9 in the middle: the source is as it was, and a target of its own is no reason to refuse the next try. */
    @Test
    void survivesBeingKilled() throws IOException, InterruptedException {
        for (int millis : List.of(200, 300, 400)) {
            Process child = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED", "-cp",
                    System.getProperty("java.class.path"), KvmImg.class.getName(), "convert", "-f", "raw", "-c", "-O",
                    "qcow2", folder + "/d.raw", folder + "/k.qcow2").start();
            TimeUnit.MILLISECONDS.sleep(millis);
            child.destroyForcibly();
            child.waitFor();
        }
        assertThat(Files.readAllBytes(folder.resolve("d.raw"))).isEqualTo(data);
        ok("convert -f raw -O qcow2 @d.raw @k.qcow2");
        assertHolds("k.qcow2", "qcow2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"writethrough", "directsync", "none"})
    void everyCacheModeWrites(String cache) throws IOException {
        ok("convert -t " + cache + " -T " + cache.replace("writethrough", "none") + " -f raw -O qcow2 @d.raw @c.qcow2");
        ok("compare -q @d.raw @c.qcow2");
    }

    @Test
    void theHostCopiesWhereItCan() throws IOException {
        ok("convert -f raw -O qcow2 @d.raw @d.qcow2");
        ok("convert -C -f qcow2 -O raw @d.qcow2 @c.raw");
        assertThat(Arrays.mismatch(Files.readAllBytes(folder.resolve("c.raw")), data)).isEqualTo(-1);
        ok("convert -C -f raw -O qcow2 @d.raw @e.qcow2");
        ok("compare -q @d.raw @e.qcow2");
        assertThat(run("convert -C -c -O qcow2 @d.raw @f.qcow2").err()).contains("do not go together").hasLineCount(1);
    }

    @Test
    void aTargetCanBeDescribed() throws IOException {
        ok("create -q -f qcow2 @t.img 6M");
        ok("convert -n --target-image-opts -f raw @d.raw driver=qcow2,file.filename=@t.img");
        ok("compare -q -f raw -F qcow2 @d.raw @t.img");
        assertThat(run("convert --target-image-opts @d.raw driver=qcow2,file.filename=@t.img").err()).contains("-n");
        assertThat(run("convert -n --target-image-opts @d.raw driver=qcow2,nonsense=1").err()).contains("filename");
    }
}
