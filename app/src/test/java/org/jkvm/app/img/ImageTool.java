package org.jkvm.app.img;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.junit.jupiter.api.Assumptions;

/** Runs command lines of kvm-img and of qemu-img; words that begin with @ are files in a test's folder. */
record ImageTool(Path folder) {
    /** What a command line came to. */
    record Outcome(int status, String out, String err) {
    }

    Outcome run(String line) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int status = KvmImg.run(words(line).toArray(String[]::new), new PrintStream(out, true), new PrintStream(err, true));
        return new Outcome(status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    private List<String> words(String line) {
        return Arrays.stream(line.replace("@", folder + "/").split(" ")).map(w -> w.equals("''") ? "" : w).toList();
    }

    /** Runs a command line that is to succeed; returns what it printed. */
    String ok(String line) {
        Outcome outcome = run(line);
        assertThat(outcome).as(line).returns(0, Outcome::status).returns("", Outcome::err);
        return outcome.out();
    }

    /** Runs a command line that is to be refused with one line. */
    void refused(String line, String message) {
        Outcome outcome = run(line);
        assertThat(outcome.err()).as(line).startsWith("kvm-img: ").contains(message).hasLineCount(1);
        assertThat(outcome.status()).isEqualTo(1);
    }

    /** Runs qemu-img. */
    Outcome qemu(String line) throws IOException {
        List<String> words = new ArrayList<>(words(line));
        words.addFirst("qemu-img");
        try {
            Process process = new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.DISCARD).start();
            String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Outcome(process.onExit().join().exitValue(), out, "");
        } catch (IOException e) {
            return Assumptions.abort("qemu-img is not installed");
        }
    }

    /** A file of random bytes with zeroes in between. */
    byte[] random(String name, int size, int seed) throws IOException {
        byte[] data = new byte[size];
        new Random(seed).nextBytes(data);
        Arrays.fill(data, size / 3, size / 2, (byte) 0);
        Files.write(folder.resolve(name), data);
        return data;
    }

    /** The contents of an image's disk. */
    byte[] contents(String name) throws IOException {
        ok("convert -O raw @" + name + " @contents.raw");
        return Files.readAllBytes(folder.resolve("contents.raw"));
    }

    /** Overwrites a part of an image's disk. */
    void write(String name, long offset, byte[] data) throws IOException {
        try (Image image = Images.open(folder.resolve(name),
                OpenOptions.defaults());
                Arena arena = Arena.ofShared()) {
            image.writeNow(offset, arena.allocateFrom(ValueLayout.JAVA_BYTE, data));
        }
    }
}
