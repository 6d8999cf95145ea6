package org.jkvm.app.img;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class KvmImgTest {
    @TempDir
    Path folder;

    private record Outcome(int status, String out, String err) {
    }

    /** Runs a command line; words that begin with @ are files in the test's folder. */
    private Outcome run(String line) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        String[] words = line.isEmpty() ? new String[0] : line.replace("@", folder + "/").split(" ");
        int status = KvmImg.run(words, new PrintStream(out, true), new PrintStream(err, true));
        return new Outcome(status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    private void refused(String line, String message) {
        Outcome outcome = run(line);
        assertThat(outcome.err()).startsWith("kvm-img: ").contains(message).hasLineCount(1);
        assertThat(outcome.status()).isEqualTo(1);
    }

    @Test
    void makesAnImageAndSaysWhatItIs() {
        Outcome made = run("create -f qcow2 -o cluster_size=4k,lazy_refcounts=on @d.qcow2 1.5G");
        assertThat(made.out()).isEqualTo("Formatting '" + folder + "/d.qcow2', fmt=qcow2 cluster_size=4096 extended_l2=off"
                + " compression_type=zlib size=1610612736 lazy_refcounts=on refcount_bits=16\n");
        Outcome info = run("info @d.qcow2");
        assertThat(info.status()).isZero();
        assertThat(info.out().lines()).contains("file format: qcow2", "virtual size: 1.5 GiB (1610612736 bytes)",
                "cluster_size: 4096", "    compat: 1.1", "    lazy refcounts: true", "    refcount bits: 16");
    }

    @Test
    void tellsProgramsTheSameInJson() {
        run("create -q -f qcow2 @base.qcow2 64M");
        run("create -q -f qcow2 -b base.qcow2 -F qcow2 @top.qcow2");
        JsonNode chain = new JsonMapper().readTree(run("info --output=json --backing-chain @top.qcow2").out());
        assertThat(chain.size()).isEqualTo(2);
        JsonNode top = chain.get(0);
        assertThat(top.get("virtual-size").longValue()).isEqualTo(64 << 20);
        assertThat(top.get("backing-filename").stringValue()).isEqualTo("base.qcow2");
        assertThat(top.get("full-backing-filename").stringValue()).isEqualTo(folder + "/base.qcow2");
        assertThat(top.get("format-specific").get("data").get("refcount-bits").intValue()).isEqualTo(16);
        assertThat(chain.get(1).get("filename").stringValue()).isEqualTo(folder + "/base.qcow2");
    }

    @Test
    void agreesWithQemuImg() throws IOException, InterruptedException {
        run("create -q -f qcow2 -o compat=0.10,preallocation=metadata @v2.qcow2 10M");
        run("create -q -f qcow2 -o refcount_bits=1,compression_type=zstd -b v2.qcow2 -F qcow2 @v3.qcow2 20M");
        run("create -q -o preallocation=full @d.raw 1000");
        for (String file : List.of("v2.qcow2", "v3.qcow2", "d.raw")) {
            for (String command : List.of("info", "info --output=json", "check", "check --output=json")) {
                assertThat(facts(run(command + " @" + file).out())).isEqualTo(facts(qemuImg(command, file)));
            }
        }
    }

    /** Lines without JSON's order and commas. */
    private static List<String> facts(String text) {
        return text.lines().map(line -> line.strip().replaceAll(",$", "")).filter(line -> !line.isEmpty()).sorted().toList();
    }

    private String qemuImg(String command, String file) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(List.of(("qemu-img " + command).split(" ")));
        words.add(folder.resolve(file).toString());
        try {
            Process process = new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.DISCARD).start();
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            process.waitFor();
            return text;
        } catch (IOException e) {
            return Assumptions.abort("qemu-img is not installed");
        }
    }

    @Test
    void refusesWithOneLine() {
        refused("", "no command given; the commands are amend, bench, bitmap, check, commit, compare, convert, create, dd, info, map");
        refused("inof @d", "did you mean 'info'?");
        refused("create", "an image file name is missing");
        refused("create @d.raw", "a size is missing");
        refused("create @d.raw 1M 2M", "unexpected argument '2M'");
        refused("create @d.raw much", "size 'much'");
        refused("create @d.raw -1", "size '-1'");
        refused("create -f qcwo2 @d.qcow2 1M", "did you mean 'qcow2'?");
        refused("create -f qcow2 -o clustersize=4k @d.qcow2 1M", "did you mean 'cluster_size'?");
        refused("create -f qcow2 -o cluster_size=3k @d.qcow2 1M", "a power of two from 512 to 2M");
        refused("create -f qcow2 -o compat=2 @d.qcow2 1M", "compat=2 is not allowed");
        refused("create -f qcow2 -o extended_l2=on,cluster_size=4k @d.qcow2 1M", "needs cluster_size=16k");
        refused("create -f qcow2 -o encrypt.format=luks @d.qcow2 1M", "needs a passphrase");
        refused("create -f luks -o key-secret=k @d.luks 1M", "no --object secret,id=k");
        refused("create -f qcow2 -o cluster_size=512 @d.qcow2 1E", "too large for cluster_size=512");
        refused("create -f qcow2 -b none.raw -F raw @d.qcow2", "no such file");
        refused("create --forse @d.raw 1M", "unknown option '--forse'");
        refused("info @", "it is a directory");
        refused("info @none", "no such file");
        refused("info --output=xml @none", "human or json");
        refused("info @a @b", "one image file name is expected");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void wantsTheBackingFilesFormat() {
        run("create -q -f qcow2 @base.qcow2 1M");
        refused("create -f qcow2 -b base.qcow2 @d.qcow2", "-F qcow2 by the look of 'base.qcow2'");
        refused("create -f qcow2 -b base.qcow2 -F qcow2 @base.qcow2", "its own backing file");
        assertThat(run("check @base.qcow2").status()).isZero();
    }

    @Test
    void refusesAnImageInUseUnlessForced() {
        run("create -q -f qcow2 @d.qcow2 1M");
        try (Image image = Images.open(folder.resolve("d.qcow2"), OpenOptions.defaults())) {
            refused("info @d.qcow2", "in use");
            refused("create -f qcow2 @d.qcow2 1M", "in use");
            assertThat(run("info -U @d.qcow2").status()).isZero();
            assertThat(image.readOnly()).isFalse();
        }
    }

    @Test
    void checkTellsLeaksFromCorruption() throws IOException {
        run("create -q -f qcow2 -o preallocation=metadata @d.qcow2 1M");
        assertThat(run("check @d.qcow2").status()).isZero();
        // With 64 KiB clusters the one refcount block is cluster 2 and counts have 16 bits: cluster 100 is beyond all use.
        poke(2 * 65536 + 100 * 2, 1);
        Outcome leaky = run("check @d.qcow2");
        assertThat(leaky.status()).isEqualTo(3);
        assertThat(leaky.out()).contains("1 leaked clusters were found");
        // Cluster 0 is the header.
        poke(2 * 65536, 0);
        Outcome corrupt = run("check --output=json @d.qcow2");
        assertThat(corrupt.status()).isEqualTo(2);
        assertThat(new JsonMapper().readTree(corrupt.out()).get("corruptions").intValue()).isEqualTo(1);
    }

    private void poke(long offset, int value) throws IOException {
        try (FileChannel file = FileChannel.open(folder.resolve("d.qcow2"), StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.allocate(2).putShort((short) value).flip(), offset);
        }
    }

    @Test
    void rawHasNothingToCheck() throws IOException {
        Files.write(folder.resolve("d.raw"), new byte[512]);
        Outcome outcome = run("check -f raw @d.raw");
        assertThat(outcome.status()).isEqualTo(63);
        assertThat(outcome.err()).hasLineCount(1);
    }

    @Test
    void helpNamesEveryOption() {
        assertThat(run("create -h").out()).contains("-o NAME=VALUE", "-F FORMAT", "EXAMPLES");
        assertThat(run("create -f qcow2 -o help").out()).contains("cluster_size=", "lazy_refcounts=");
        assertThat(run("-h").out()).contains("create", "info", "check");
    }
}
