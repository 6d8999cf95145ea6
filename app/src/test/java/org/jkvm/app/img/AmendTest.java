package org.jkvm.app.img;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import org.jkvm.app.img.ImageTool.Outcome;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code amend} makes of versions and passphrases, by qemu-img's word where it is there. */
class AmendTest extends TwoSources {
    private static final String ONE = "--object secret,id=one,data=first";
    private static final String TWO = "--object secret,id=two,data=second";

    private void zero(long offset, long length, boolean mayUnmap) throws IOException {
        try (Image image = Images.open(folder.resolve("d.qcow2"), OpenOptions.defaults())) {
            image.writeZeroesNow(offset, length, mayUnmap);
        }
    }

    private byte[] contents(String words) throws IOException {
        tool.ok("convert -O raw" + words + " @d.qcow2 @contents.raw");
        return Files.readAllBytes(folder.resolve("contents.raw"));
    }

    /** Zeroes that only one snapshot has, that two share, and that the disk has too, with and without clusters. */
    private void snapshots() throws IOException {
        tool.write("d.qcow2", 1 << 20, Arrays.copyOf(second, 1 << 20));
        zero(1 << 20, 262_144, false);
        zero(196_608, 262_144, true);
        tool.ok("snapshot -c a @d.qcow2");
        tool.ok("snapshot -c b @d.qcow2");
        tool.write("d.qcow2", 196_608, Arrays.copyOf(second, 65_536));
        zero(2 << 20, 131_072, false);
        tool.ok("snapshot -c c @d.qcow2");
        tool.write("d.qcow2", 1 << 20, Arrays.copyOf(first, 65_536));
    }

    @ParameterizedTest
    @ValueSource(strings = {"create -q -f qcow2 @d.qcow2 3M", "create -q -f qcow2 -b first.raw -F raw @d.qcow2",
        "convert -O qcow2 -o cluster_size=4k @first.raw @d.qcow2"})
    void snapshotsKeepTheirZeroesInVersion2(String made) throws IOException {
        tool.ok(made);
        snapshots();
        byte[][] before = {contents(""), contents(" -l a"), contents(" -l b"), contents(" -l c")};
        tool.ok("amend -o compat=0.10 @d.qcow2");
        assertThat(tool.ok("info @d.qcow2")).contains("compat: 0.10");
        assertThat(new byte[][] {contents(""), contents(" -l a"), contents(" -l b"), contents(" -l c")}).isDeepEqualTo(before);
        clean("d.qcow2");
        tool.ok("snapshot -d a @d.qcow2");
        tool.ok("snapshot -a b @d.qcow2");
        assertThat(contents("")).isEqualTo(before[2]);
        clean("d.qcow2");
        tool.ok("amend -o compat=1.1 @d.qcow2");
        assertThat(contents(" -l c")).isEqualTo(before[3]);
        clean("d.qcow2");
    }

    @Test
    void aSnapshotOfAnotherSizeStandsInTheWay() throws IOException {
        tool.ok("create -q -f qcow2 @d.qcow2 3M");
        tool.ok("snapshot -c small @d.qcow2");
        tool.ok("resize -q @d.qcow2 4M");
        tool.refused("amend -o compat=0.10 @d.qcow2", "snapshot 'small' is of another size");
        assertThat(tool.ok("info @d.qcow2")).contains("compat: 1.1");
        clean("d.qcow2");
    }

    @Test
    void bitmapsGoAndAreNamed() throws IOException {
        tool.ok("convert -O qcow2 @first.raw @d.qcow2");
        tool.ok("bitmap --add @d.qcow2 monday");
        tool.write("d.qcow2", 0, Arrays.copyOf(second, 65_536));
        Outcome outcome = tool.run("amend -o compat=0.10 @d.qcow2");
        assertThat(outcome).returns(0, Outcome::status)
                .returns("kvm-img: removing bitmaps, which version 2 cannot have: 'monday'\n", Outcome::err);
        assertThat(tool.ok("info @d.qcow2")).contains("compat: 0.10").doesNotContain("monday");
        clean("d.qcow2");
    }

    private void encrypted(String format) throws IOException {
        String prefix = format.equals("luks") ? "" : "encrypt.";
        String how = format.equals("luks") ? "" : "encrypt.format=luks,";
        tool.ok("convert " + ONE + " -f raw -O " + format + " -o " + how + prefix + "key-secret=one," + prefix
                + "iter-time=1 @first.raw @d.img");
    }

    private boolean opens(String secret) throws IOException {
        return tool.run("compare -f raw -F " + format() + " " + secret + " @first.raw @d.img").status() == 0;
    }

    private boolean qemuOpens(String secret, String format) throws IOException {
        String id = secret.replaceAll(".*id=([a-z]+).*", "$1");
        String key = format.equals("luks") ? "key-secret=" + id : "encrypt.key-secret=" + id;
        return tool.qemu("compare " + secret + " --image-opts driver=raw,file.filename=@first.raw driver=" + format + "," + key
                + ",file.filename=@d.img").status() == 0;
    }

    private String format() throws IOException {
        return Files.readString(folder.resolve("d.img"), StandardCharsets.ISO_8859_1).startsWith("LUKS")
                ? "luks" : "qcow2";
    }

    @ParameterizedTest
    @CsvSource({"luks, ''", "qcow2, encrypt."})
    void passphrasesComeAndGo(String format, String p) throws IOException {
        encrypted(format);
        String amend = "amend -f " + format + " " + ONE + " " + TWO + " -o ";
        tool.ok(amend + p + "state=active," + p + "new-secret=two," + p + "iter-time=1 @d.img");
        assertThat(opens(ONE)).isTrue();
        assertThat(opens(TWO)).isTrue();
        assertThat(qemuOpens(TWO, format)).isTrue();
        tool.ok(amend + p + "state=inactive," + p + "old-secret=one @d.img");
        assertThat(opens(ONE)).isFalse();
        assertThat(qemuOpens(ONE, format)).isFalse();
        assertThat(opens(TWO)).isTrue();
        assertThat(qemuOpens(TWO, format)).isTrue();
        tool.refused("amend -f " + format + " " + TWO + " -o " + p + "state=inactive," + p + "old-secret=two @d.img",
                "the only passphrase that is left");
        tool.refused("amend -f " + format + " " + TWO + " -o " + p + "state=inactive," + p + "keyslot=1 @d.img",
                "the only passphrase that is left");
    }

    @Test
    void slotsThatQemuFillsOpen() throws IOException {
        encrypted("luks");
        Outcome outcome = tool.qemu("amend " + ONE + " " + TWO + " --image-opts driver=luks,key-secret=one,file.filename=@d.img"
                + " -o state=active,new-secret=two,keyslot=5,iter-time=10");
        assertThat(outcome.status()).isZero();
        assertThat(opens(TWO)).isTrue();
        tool.ok("amend -f luks " + ONE + " -o state=inactive,keyslot=5 @d.img");
        assertThat(opens(TWO)).isFalse();
        assertThat(opens(ONE)).isTrue();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"state=active | state=active adds a passphrase",
        "state=both,new-secret=two | active or inactive",
        "new-secret=two | state= is missing", "state=inactive | state=inactive takes a passphrase away",
        "state=active,new-secret=two,keyslot=0 | key slot 0 is in use",
        "state=active,new-secret=two,keyslot=8 | 0 to 7 is allowed",
        "state=inactive,keyslot=3 | key slot 3 has no passphrase", "state=inactive,old-secret=two | opens none of",
        "state=active,new-secret=none | there is no --object"})
    void refusesWhatMakesNoSense(String words, String message) throws IOException {
        encrypted("luks");
        tool.refused("amend -f luks " + ONE + " " + TWO + " -o " + words + " @d.img", message);
        assertThat(opens(ONE)).isTrue();
    }

    @Test
    void aPlainImageHasNoPassphrases() throws IOException {
        tool.ok("create -q -f qcow2 @d.qcow2 3M");
        tool.refused("amend " + ONE + " -o encrypt.state=active,encrypt.new-secret=one @d.qcow2", "is not encrypted");
        tool.refused("amend " + ONE + " -o state=active,new-secret=one @first.raw", "has no option 'state'");
    }
}
