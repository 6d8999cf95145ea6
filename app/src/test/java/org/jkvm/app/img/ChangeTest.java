package org.jkvm.app.img;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import org.jkvm.app.img.ImageTool.Outcome;
import org.jkvm.storage.Bitmaps;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands that change images: what they come to, by qemu-img's word where it is there. */
class ChangeTest extends TwoSources {
    @Test
    void snapshotsAreListedAsQemuImgDoesAndApplied() throws IOException {
        tool.ok("convert -O qcow2 @first.raw @d.qcow2");
        assertThat(tool.ok("snapshot -l @d.qcow2")).isEmpty();
        tool.ok("snapshot -c clean @d.qcow2");
        tool.write("d.qcow2", 65536, Arrays.copyOf(second, 300_032));
        tool.ok("snapshot -c broken @d.qcow2");
        String list = tool.ok("snapshot @d.qcow2");
        assertThat(list).startsWith("Snapshot list:\n").contains("clean", "broken").hasLineCount(4);
        assertThat(list).isEqualTo(tool.qemu("snapshot -l @d.qcow2").out());
        tool.ok("snapshot -a clean @d.qcow2");
        assertThat(tool.contents("d.qcow2")).isEqualTo(first);
        clean("d.qcow2");
        tool.ok("snapshot -d 2 @d.qcow2");
        assertThat(tool.ok("snapshot -l @d.qcow2")).doesNotContain("broken");
        clean("d.qcow2");
    }

    @Test
    void snapshotsRefuseWithOneLine() {
        tool.ok("create -q -f qcow2 @d.qcow2 1M");
        tool.refused("snapshot -a none @d.qcow2", "none");
        tool.refused("snapshot -a x -d y @d.qcow2", "-a and -d do not go together");
        tool.refused("snapshot -c x @first.raw", "qcow2 images can");
    }

    @ParameterizedTest
    @ValueSource(strings = {"other.qcow2 -F qcow2", "second.raw -F raw", "''"})
    void rebaseKeepsTheContents(String base) throws IOException {
        tool.ok("convert -O qcow2 @first.raw @base.qcow2");
        tool.ok("convert -O qcow2 @second.raw @other.qcow2");
        tool.ok("create -q -f qcow2 -b base.qcow2 -F qcow2 @d.qcow2 4M");
        tool.write("d.qcow2", 1 << 20, Arrays.copyOf(second, 70_144));
        byte[] before = tool.contents("d.qcow2");
        tool.ok("rebase -p -b " + base + " @d.qcow2");
        assertThat(Arrays.mismatch(tool.contents("d.qcow2"), before)).isEqualTo(-1);
        assertThat(tool.ok("info @d.qcow2")).contains(base.equals("''") ? "image:" : "backing file: " + base.split(" ")[0]);
        clean("d.qcow2");
    }

    @Test
    void unsafeRebaseChangesTheNameAlone() {
        tool.ok("create -q -f qcow2 -u -b gone.qcow2 -F qcow2 @d.qcow2 4M");
        tool.ok("rebase -u -b elsewhere.raw -F raw @d.qcow2");
        assertThat(tool.ok("info @d.qcow2")).contains("backing file: elsewhere.raw", "backing file format: raw");
        tool.refused("rebase -u -b elsewhere.raw @d.qcow2", "-F FORMAT");
        tool.refused("rebase -b none.raw -F raw @d.qcow2", "elsewhere.raw");
        tool.ok("amend -o backing_file=,size=5M @d.qcow2");
        assertThat(tool.ok("info @d.qcow2")).doesNotContain("backing file").contains("5 MiB");
        tool.refused("amend -o cluster_size=4k @d.qcow2", "cluster_size");
    }

    @Test
    void amendMakesVersion3OfVersion2() throws IOException {
        tool.ok("create -q -f qcow2 -o compat=0.10 -b first.raw -F raw @d.qcow2 4M");
        tool.write("d.qcow2", 1 << 20, Arrays.copyOf(second, 70_144));
        byte[] before = tool.contents("d.qcow2");
        tool.refused("amend -o lazy_refcounts=on @d.qcow2", "compat=1.1");
        tool.ok("amend -o compat=1.1 @d.qcow2");
        tool.ok("amend -o lazy_refcounts=on @d.qcow2");
        assertThat(tool.ok("info @d.qcow2")).contains("compat: 1.1", "lazy refcounts: true", "backing file: first.raw",
                "backing file format: raw");
        assertThat(Arrays.mismatch(tool.contents("d.qcow2"), before)).isEqualTo(-1);
        tool.ok("amend -o compat=0.10 @d.qcow2");
        tool.ok("amend -o compat=0.10 @d.qcow2");
        clean("d.qcow2");
        tool.ok("create -q -f qcow2 -o compat=0.10 @old.qcow2 4M");
        tool.ok("snapshot -c s @old.qcow2");
        tool.ok("amend -o compat=1.1 @old.qcow2");
        clean("old.qcow2");
    }

    @ParameterizedTest
    @CsvSource({"raw, falloc, 7", "raw, full, 7", "qcow2, metadata, 2", "qcow2, falloc, 7", "qcow2, full, 7"})
    void resizeTakesStorageAtOnce(String format, String how, int least) throws IOException {
        tool.ok("convert -O " + format + " @first.raw @d");
        byte[] before = Arrays.copyOf(tool.contents("d"), 8 << 20);
        tool.ok("resize -q -f " + format + " --preallocation=" + how + " @d 8M");
        assertThat(Arrays.mismatch(tool.contents("d"), before)).isEqualTo(-1);
        assertThat(tool.ok("map --output=json -f " + format + " @d")).containsPattern(
                "\"present\": true[^\n]*\"offset\": [0-9]+\\}\\]");
        try (Image image = Images.open(folder.resolve("d"), OpenOptions.defaults().withFormat(format).withReadOnly(true))) {
            assertThat(image.info().actualSize()).isGreaterThanOrEqualTo((long) least << 20);
        }
    }

    @Test
    void resizeSaysWhatPreallocationIsPossible() {
        tool.ok("create -q -f vdi @d.vdi 4M");
        tool.ok("create -q -f raw @d.raw 4M");
        tool.refused("resize -f raw --preallocation=metadata @d.raw 8M", "falloc or full");
        tool.refused("resize -f raw --preallocation=some @d.raw 8M", "off, metadata, falloc or full");
        tool.refused("resize -f raw --preallocation=full --shrink @d.raw 2M", "grows");
        assertThat(tool.ok("info -f raw @d.raw")).contains("4 MiB");
    }

    @Test
    void commitWritesIntoTheBackingFileAndEmpties() throws IOException {
        tool.ok("convert -O qcow2 @first.raw @base.qcow2");
        tool.ok("create -q -f qcow2 -b base.qcow2 -F qcow2 @d.qcow2 4M");
        tool.write("d.qcow2", 100 << 10, Arrays.copyOf(second, 1 << 20));
        byte[] before = tool.contents("d.qcow2");
        assertThat(tool.ok("commit @d.qcow2")).isEqualTo("Image committed.\n");
        assertThat(Arrays.mismatch(tool.contents("base.qcow2"), before)).isEqualTo(-1);
        assertThat(Arrays.mismatch(tool.contents("d.qcow2"), before)).isEqualTo(-1);
        assertThat(tool.ok("map --output=json @d.qcow2")).doesNotContain("\"depth\": 0, \"present\": true, \"zero\": false");
        clean("base.qcow2");
        clean("d.qcow2");
        tool.refused("commit @base.qcow2", "no backing file");
    }

    @Test
    void commitGoesThroughTheChain() throws IOException {
        tool.ok("convert -O raw @first.raw @base.raw");
        tool.ok("create -q -f qcow2 -b base.raw -F raw @mid.qcow2");
        tool.ok("create -q -f qcow2 -b mid.qcow2 -F qcow2 @d.qcow2");
        tool.write("mid.qcow2", 0, Arrays.copyOf(second, 1 << 20));
        tool.write("d.qcow2", 512 << 10, Arrays.copyOf(second, 1 << 20));
        byte[] before = tool.contents("d.qcow2");
        tool.ok("commit -q -b " + folder.resolve("base.raw") + " @d.qcow2");
        assertThat(Arrays.mismatch(Files.readAllBytes(folder.resolve("base.raw")), before)).isEqualTo(-1);
        tool.refused("commit -b " + folder.resolve("second.raw") + " @d.qcow2", "is not below");
    }

    @ParameterizedTest
    @ValueSource(strings = {"bs=64k", "bs=1000 count=70 skip=3", "bs=512 count=9", "bs=1M skip=1", "bs=4096 skip=17 count=200"})
    void ddMakesWhatQemuImgMakes(String operands) throws IOException {
        tool.ok("convert -O qcow2 @first.raw @d.qcow2");
        tool.ok("dd -f qcow2 " + operands + " if=@d.qcow2 of=@ours.raw");
        assertThat(tool.qemu("dd -f qcow2 -O raw " + operands + " if=@d.qcow2 of=@theirs.raw").status()).isZero();
        byte[] theirs = Files.readAllBytes(folder.resolve("theirs.raw"));
        byte[] ours = Files.readAllBytes(folder.resolve("ours.raw"));
        // Ours has whole sectors.
        assertThat(ours).startsWith(theirs).hasSizeLessThan(theirs.length + 512);
    }

    @Test
    void ddRefusesWithOneLine() {
        tool.refused("dd bs=1M if=@first.raw", "of= is missing");
        tool.refused("dd fi=@first.raw of=@x", "did you mean 'if'?");
        tool.refused("dd skip=4 bs=1M if=@first.raw of=@x", "the image ends before");
        assertThat(folder.resolve("x")).doesNotExist();
    }

    @Test
    void benchCountsRequests() {
        tool.ok("create -q -f qcow2 @d.qcow2 16M");
        assertThat(tool.ok("bench -c 100 -d 8 -s 64k @d.qcow2")).contains(
                "Sending 100 read requests, 65536 bytes each, 8 in parallel (starting at offset 0, step size 65536)",
                "Run completed in ");
        tool.ok("bench -q -w -c 50 --pattern 7 --flush-interval 10 @d.qcow2");
        tool.refused("bench --pattern 7 @d.qcow2", "go with -w");
    }

    @Test
    void checkRepairs() throws IOException {
        tool.ok("create -q -f qcow2 -o preallocation=metadata @d.qcow2 1M");
        poke(2 * 65536 + 100 * 2, 1);
        assertThat(tool.run("check @d.qcow2").status()).isEqualTo(3);
        assertThat(tool.run("check -r leaks @d.qcow2")).returns(0, ImageTool.Outcome::status)
                .extracting(ImageTool.Outcome::out).asString().contains("1 leaked clusters", "No errors were found");
        // Data cluster 5 counts as free.
        poke(2 * 65536 + 5 * 2, 0);
        assertThat(tool.run("check @d.qcow2").status()).isEqualTo(2);
        assertThat(tool.run("check -r all @d.qcow2").status()).isZero();
        clean("d.qcow2");
        tool.refused("check -r some @d.qcow2", "leaks or all");
    }

    private void poke(long offset, int value) throws IOException {
        try (FileChannel file = FileChannel.open(folder.resolve("d.qcow2"), StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.allocate(2).putShort((short) value).flip(), offset);
        }
    }

    @Test
    void imagesInUseAreLeftAlone() {
        tool.ok("create -q -f qcow2 @base.qcow2 1M");
        tool.ok("create -q -f qcow2 -b base.qcow2 -F qcow2 @d.qcow2");
        try (Image image = Images.open(folder.resolve("d.qcow2"), OpenOptions.defaults())) {
            for (String line : new String[] {"snapshot -c x @d.qcow2", "check -r all @d.qcow2", "commit @d.qcow2",
                "rebase -b '' @d.qcow2", "amend -o size=2M @d.qcow2", "bench -w -c 1 @d.qcow2", "resize @d.qcow2 2M"}) {
                tool.refused(line, "in use");
            }
            assertThat(image.size()).isEqualTo(1 << 20);
        }
    }

    /** Version 2 knows no zeroes: they are stored where a backing file would show, and nowhere else. */
    @Test
    void amendMakesVersion2OfVersion3() throws IOException {
        tool.ok("create -q -f qcow2 -b first.raw -F raw @d.qcow2 4M");
        try (Image image = Images.open(folder.resolve("d.qcow2"), OpenOptions.defaults())) {
            image.writeZeroes(0, 300 << 10, true).join();
        }
        tool.ok("convert -O raw @d.qcow2 @before.raw");
        tool.ok("amend -o compat=0.10 @d.qcow2");
        assertThat(tool.ok("info @d.qcow2")).contains("compat: 0.10");
        tool.ok("compare @d.qcow2 @before.raw");
        tool.ok("check @d.qcow2");
        tool.ok("create -q -f qcow2 -o refcount_bits=8 @narrow.qcow2 1M");
        tool.refused("amend -o compat=0.10 @narrow.qcow2", "16 bits only");
    }

    @Test
    void bitmapsAreChangedInOrder() {
        tool.ok("create -q -f qcow2 @d.qcow2 4M");
        tool.ok("bitmap --add --disable -g 4k @d.qcow2 one");
        tool.ok("bitmap --add --merge one @d.qcow2 two");
        assertThat(tool.ok("info @d.qcow2")).containsSubsequence("bitmaps:", "name: one", "granularity: 4096", "[0]: auto",
                "name: two", "granularity: 65536");
        tool.refused("bitmap --merge three @d.qcow2 two", "no bitmap 'three'");
        tool.refused("bitmap -g 4k --clear @d.qcow2 two", "-g goes with --add");
        tool.refused("bitmap @d.qcow2 two", "nothing to do");
        tool.ok("bitmap --remove @d.qcow2 one");
        assertThat(tool.ok("info --output=json @d.qcow2")).contains("\"two\"").doesNotContain("\"one\"");
    }

    private void circle() {
        tool.ok("create -q -f qcow2 @a.qcow2 4M");
        tool.ok("create -q -f qcow2 -b a.qcow2 -F qcow2 @b.qcow2");
        tool.ok("rebase -u -b b.qcow2 -F qcow2 @a.qcow2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"info --backing-chain @a.qcow2", "map @a.qcow2", "convert -O raw @a.qcow2 @c.raw",
        "compare @a.qcow2 @first.raw", "commit -b @first.raw @a.qcow2", "commit @a.qcow2", "rebase -b @first.raw -F raw @a.qcow2",
        "resize @a.qcow2 8M", "bench -c 1 @a.qcow2", "measure -O qcow2 @a.qcow2"})
    void aCircleOfBackingFilesIsRefused(String line) {
        circle();
        Outcome outcome = assertTimeoutPreemptively(Duration.ofSeconds(20), () -> tool.run(line));
        assertThat(outcome.err()).contains("form a circle").hasLineCount(1);
        assertThat(outcome.status()).isPositive();
    }

    private void bitmaps() throws IOException {
        tool.ok("convert -O qcow2 @first.raw @d.qcow2");
        tool.ok("bitmap --add -g 64k @d.qcow2 monday");
        tool.ok("bitmap --add --disable -g 1M @d.qcow2 spare");
        tool.write("d.qcow2", 1 << 20, Arrays.copyOf(second, 70_144));
    }

    @Test
    void bitmapsGoWithTheContents() throws IOException {
        bitmaps();
        tool.ok("convert --bitmaps -O qcow2 @d.qcow2 @e.qcow2");
        assertThat(contents("e.qcow2", "monday")).isEqualTo(contents("d.qcow2", "monday"));
        assertThat(contents("e.qcow2", "monday").bits().cardinality()).isEqualTo(2);
        assertThat(contents("e.qcow2", "spare").bits().isEmpty()).isTrue();
        assertThat(tool.ok("info @e.qcow2")).contains("name: monday", "granularity: 1048576").containsOnlyOnce("auto");
        assertThat(tool.qemu("compare @d.qcow2 @e.qcow2").status()).isZero();
        clean("e.qcow2");
        tool.refused("convert --bitmaps -n -O qcow2 @d.qcow2 @e.qcow2", "there is a bitmap 'monday' already");
    }

    private Bitmaps.Contents contents(String name, String bitmap) throws IOException {
        try (Image image = Images.open(folder.resolve(name), OpenOptions.defaults().withReadOnly(true))) {
            return image.bitmaps().orElseThrow().contents(bitmap);
        }
    }

    @Test
    void bitmapsThatWereNotClosedAreNotCopied() throws IOException {
        bitmaps();
        Path open = folder.resolve("open.qcow2");
        try (Image image = Images.open(folder.resolve("d.qcow2"), OpenOptions.defaults())) {
            assertThat(image.readOnly()).isFalse();
            Files.copy(folder.resolve("d.qcow2"), open);
        }
        tool.refused("convert --bitmaps -O qcow2 @open.qcow2 @e.qcow2", "--skip-broken-bitmaps leaves it out");
        assertThat(folder.resolve("e.qcow2")).doesNotExist();
        Outcome outcome = tool.run("convert --bitmaps --skip-broken-bitmaps -O qcow2 @open.qcow2 @e.qcow2");
        assertThat(outcome.err()).contains("'monday' was not closed properly and is left out").hasLineCount(1);
        assertThat(tool.ok("info @e.qcow2")).contains("spare").doesNotContain("monday");
    }

    @ParameterizedTest
    @CsvSource({"--skip-broken-bitmaps -O qcow2 @d.qcow2, goes with --bitmaps", "--bitmaps -O raw @d.qcow2, needs a target",
        "--bitmaps -O qcow2 -o compat=v2 @d.qcow2, needs a target", "--bitmaps -O qcow2 @first.raw, has no bitmaps inside",
        "--bitmaps -O qcow2 @d.qcow2 @first.raw, goes with one source", "--bitmaps -l x -O qcow2 @d.qcow2, do not go together"})
    void bitmapsAreRefusedWhereThereAreNone(String words, String message) throws IOException {
        bitmaps();
        tool.refused("convert " + words + " @e.qcow2", message);
    }
}
