package org.jkvm.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/** Guest programs are checked in as assembly, with the bytes that GNU as and ld make of it beside, in hexadecimal. */
public final class Assembly {
    private static final int BYTES_PER_LINE = 32;

    private Assembly() {
    }

    /** Whether the tools are installed. */
    public static boolean isInstalled() {
        return isInstalled("as") && isInstalled("ld");
    }

    private static boolean isInstalled(String tool) {
        return Stream.of(System.getenv("PATH").split(":")).anyMatch(dir -> Files.isExecutable(Path.of(dir, tool)));
    }

    /**
     * Compares the bytes in {@code hex} with what {@code source} gives for {@code address}; with -Djkvm.regenerate=true they are
     * written anew before.
     *
     * @param temporary a folder for the tools' files
     * @throws AssertionError where they differ, or the source is wrong
     */
    public static void check(Path source, Path hex, long address, Path temporary) throws IOException, InterruptedException {
        String wanted = format(assemble(source, address, temporary));
        if (Boolean.getBoolean("jkvm.regenerate")) {
            Files.writeString(hex, wanted);
        }
        if (!Files.readString(hex).equals(wanted)) {
            throw new AssertionError(hex + " is not what " + source + " gives: run the test with -Djkvm.regenerate=true");
        }
    }

    private static byte[] assemble(Path source, long address, Path temporary) throws IOException, InterruptedException {
        String object = temporary.resolve("program.o").toString();
        Path binary = temporary.resolve("program.bin");
        String begin = "0x" + Long.toHexString(address);
        run("as", "--64", "-I", source.getParent().toString(), source.toString(), "-o", object);
        run("ld", "-m", "elf_x86_64", "-Ttext=" + begin, "--oformat", "binary", "-e", begin, object, "-o", binary.toString());
        return Files.readAllBytes(binary);
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes());
        if (process.waitFor() != 0) {
            throw new AssertionError(List.of(command) + ": " + said);
        }
    }

    private static String format(byte[] code) {
        StringBuilder text = new StringBuilder();
        for (int at = 0; at < code.length; at += BYTES_PER_LINE) {
            text.append(HexFormat.of().formatHex(code, at, Math.min(code.length, at + BYTES_PER_LINE))).append('\n');
        }
        return text.toString();
    }
}
