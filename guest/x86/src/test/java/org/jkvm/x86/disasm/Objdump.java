package org.jkvm.x86.disasm;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;

/** GNU objdump, in Intel syntax, as a second opinion. */
final class Objdump {
    private static final Pattern LINE = Pattern.compile("\\s*([0-9a-f]+):\t((?:[0-9a-f]{2} )+)\\s*\t?(.*)");

    private Objdump() {
    }

    /**
     * One line of a listing.
     *
     * @param text as objdump writes it
     */
    record Line(long address, byte[] bytes, String text) {
    }

    static void assumeInstalled() {
        boolean installed;
        try {
            installed = new ProcessBuilder("objdump", "--version").redirectOutput(ProcessBuilder.Redirect.DISCARD).start()
                    .waitFor() == 0;
        } catch (IOException e) {
            installed = false;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        Assumptions.assumeTrue(installed, "GNU objdump is not installed");
    }

    /** Disassembles raw code of {@code bits} bits that lies at address 0. */
    static List<Line> raw(Path folder, byte[] code, int bits) throws IOException {
        Path file = folder.resolve("code.bin");
        Files.write(file, code);
        String machine = bits == 64 ? "i386:x86-64" : bits == 32 ? "i386" : "i8086";
        return list(Integer.MAX_VALUE, "objdump", "-D", "-z", "-b", "binary", "-m", machine, "-M", "intel",
                "--insn-width=16", file.toString());
    }

    /** Disassembles the first {@code count} instructions of the section .text of a program for x86-64. */
    static List<Line> program(Path program, int count) throws IOException {
        return list(count, "objdump", "-d", "-z", "-j", ".text", "-M", "intel", "--insn-width=16", program.toString());
    }

    private static List<Line> list(int count, String... command) throws IOException {
        List<Line> lines = new ArrayList<>();
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        try (BufferedReader reader = process.inputReader()) {
            for (String text = reader.readLine(); text != null && lines.size() < count; text = reader.readLine()) {
                Matcher matcher = LINE.matcher(text);
                if (matcher.matches()) {
                    byte[] bytes = HexFormat.of().parseHex(matcher.group(2).replace(" ", ""));
                    lines.add(new Line(Long.parseLong(matcher.group(1), 16), bytes, matcher.group(3)));
                }
            }
        } finally {
            process.destroy();
        }
        return lines;
    }
}
