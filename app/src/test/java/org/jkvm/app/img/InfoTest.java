package org.jkvm.app.img;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jkvm.app.img.ImageTool.Outcome;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/** What only images of one format say: the lines of qemu-img's info and measure, and in JSON the same trees. */
class InfoTest {
    private static final String SECRET = "--object secret,id=key,data=open-sesame ";

    @TempDir
    Path folder;
    private ImageTool tool;

    @BeforeEach
    void makeTool() {
        tool = new ImageTool(folder);
    }

    private void same(String command, String rest) throws IOException {
        assertThat(tool.ok(command + " " + rest)).isEqualTo(theirs(command + " " + rest));
        JsonMapper json = new JsonMapper();
        assertThat(json.readTree(tool.ok(command + " --output=json " + rest)))
                .isEqualTo(json.readTree(theirs(command + " --output=json " + rest)));
    }

    private String theirs(String line) throws IOException {
        Outcome outcome = tool.qemu(line);
        assertThat(outcome.status()).as(line).isZero();
        return outcome.out();
    }

    @ParameterizedTest
    @ValueSource(strings = {"monolithicSparse", "monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat",
            "streamOptimized"})
    void tellsKindsOfVmdkApart(String kind) throws IOException {
        theirs("create -q -f vmdk -o subformat=" + kind + " @theirs.vmdk 3G");
        same("info", "@theirs.vmdk");
        tool.ok("create -q -f vmdk -o subformat=" + kind + " @ours.vmdk 3G");
        same("info", "@ours.vmdk");
    }

    @Test
    void tellsWhatAVmdkStandsOn() throws IOException {
        theirs("create -q -f vmdk @base.vmdk 1G");
        theirs("create -q -f vmdk -b base.vmdk -F vmdk @top.vmdk");
        same("info --backing-chain", "@top.vmdk");
    }

    @Test
    void tellsWhatIsEncryptedAndHow() throws IOException {
        tool.ok("create -q -f luks " + SECRET + "-o key-secret=key,iter-time=10 @d.luks 10M");
        same("info", "@d.luks");
        for (String compat : new String[] {"0.10", "1.1"}) {
            tool.ok("create -q -f qcow2 " + SECRET + "-o encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10,compat="
                    + compat + " @d.qcow2 10M");
            same("info", "@d.qcow2");
        }
    }

    @Test
    void tellsOfAllKindsOfQcow2() throws IOException {
        tool.ok("create -q -f qcow2 -o data_file=data.raw,data_file_raw=on,compression_type=zstd @parted.qcow2 10M");
        same("info", "@parted.qcow2");
        theirs("create -q -f qcow2 -o extended_l2=on,lazy_refcounts=on @d.qcow2 10M");
        theirs("bitmap --add @d.qcow2 on");
        theirs("bitmap --add --disable -g 512 @d.qcow2 off");
        same("info", "@d.qcow2");
    }

    @Test
    void showsNothingToATerminalThatIsNoText() throws IOException {
        tool.ok("create -q -f luks " + SECRET + "-o key-secret=key,iter-time=10 @d.luks 10M");
        tool.ok("create -q -f vmdk @d.vmdk 10M");
        try (RandomAccessFile luks = new RandomAccessFile(folder.resolve("d.luks").toFile(), "rw");
                RandomAccessFile vmdk = new RandomAccessFile(folder.resolve("d.vmdk").toFile(), "rw")) {
            luks.seek(168);
            luks.write("\033[2J\n0123456789012345678901234567890123456789".getBytes(StandardCharsets.US_ASCII), 0, 40);
            String text = Files.readString(folder.resolve("d.vmdk"), StandardCharsets.ISO_8859_1);
            vmdk.seek(text.indexOf("monolithicSparse"));
            vmdk.write("\033[2J\u009b".getBytes(StandardCharsets.UTF_8));
        }
        assertThat(tool.ok("info @d.luks")).contains("    uuid: ?[2J?01234567890123456789012345678901234\n")
                .contains("payload offset: 2068480");
        assertThat(tool.ok("info @d.vmdk")).contains("create type: ?[2J?");
    }

    @Test
    void measuresBitmaps() throws IOException {
        theirs("create -q -f qcow2 @d.qcow2 1G");
        same("measure", "-O qcow2 @d.qcow2");
        theirs("bitmap --add @d.qcow2 on");
        theirs("bitmap --add --disable -g 512 @d.qcow2 finely");
        for (String target : new String[] {"raw", "qcow2", "qcow2 -o cluster_size=512", "qcow2 -o compat=0.10"}) {
            same("measure", "-O " + target + " @d.qcow2");
        }
        theirs("create -q -f qcow2 -o compat=0.10 @old.qcow2 1G");
        same("measure", "-O qcow2 @old.qcow2");
    }

    /** The numbers are qemu-img's, which is not asked: it tries how fast the host is, and fails at times on a busy one. */
    @Test
    void measuresWhatIsToBeEncrypted() {
        String secret = "measure " + SECRET + "--size 1G ";
        assertThat(tool.ok(secret + "-O luks -o key-secret=key"))
                .isEqualTo("required size: 1075810304\nfully allocated size: 1075810304\n");
        assertThat(tool.ok(secret + "-O qcow2 -o encrypt.format=luks,encrypt.key-secret=key"))
                .isEqualTo("required size: 2490368\nfully allocated size: 1076232192\n");
        tool.refused("measure -O luks --size 1G", "needs a passphrase");
    }

    @Test
    void listsSnapshots() throws IOException {
        theirs("create -q -f qcow2 @d.qcow2 1G");
        theirs("snapshot -c before @d.qcow2");
        theirs("snapshot -c a-name-that-is-longer-than-its-column @d.qcow2");
        same("info", "@d.qcow2");
        assertThat(tool.ok("snapshot -l @d.qcow2")).isEqualTo(theirs("snapshot -l @d.qcow2"));
    }
}
