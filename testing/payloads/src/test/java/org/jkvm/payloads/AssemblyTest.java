package org.jkvm.payloads;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The checked-in bytes of every payload are what GNU as and ld make of the assembly beside them. */
class AssemblyTest {
    private static final Path SOURCES = Path.of("src/test/resources/payloads");
    private static final boolean REGENERATE = Boolean.getBoolean("jkvm.regenerate");
    private static final int BYTES_PER_LINE = 32;

    @TempDir
    private Path temporary;

    static Stream<String> names() throws IOException {
        try (Stream<Path> files = Files.list(SOURCES)) {
            return files.map(f -> f.getFileName().toString()).filter(f -> f.endsWith(".s"))
                    .map(f -> f.substring(0, f.length() - 2)).sorted().toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void bytesAreWhatTheAssemblyGives(String name) throws Exception {
        assumeTrue(installed("as") && installed("ld"), "GNU as and ld are not installed");
        String hex = format(assemble(name));
        Path file = SOURCES.resolve(name + ".hex");
        if (REGENERATE) {
            Files.writeString(file, hex);
        }
        assertThat(file).as("run the test with -Djkvm.regenerate=true to write it anew").hasContent(hex);
    }

    private byte[] assemble(String name) throws Exception {
        Path object = temporary.resolve(name + ".o");
        Path binary = temporary.resolve(name + ".bin");
        run("as", "--64", "-I", SOURCES.toString(), SOURCES.resolve(name + ".s").toString(), "-o", object.toString());
        run("ld", "-m", "elf_x86_64", "-Ttext=0x8000", "--oformat", "binary", "-e", "0x8000", object.toString(), "-o",
                binary.toString());
        return Files.readAllBytes(binary);
    }

    private static void run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes());
        assertThat(process.waitFor()).as("%s: %s", List.of(command), said).isZero();
    }

    private static boolean installed(String tool) {
        return Stream.of(System.getenv("PATH").split(":")).anyMatch(dir -> Files.isExecutable(Path.of(dir, tool)));
    }

    private static String format(byte[] code) {
        StringBuilder text = new StringBuilder();
        for (int at = 0; at < code.length; at += BYTES_PER_LINE) {
            text.append(HexFormat.of().formatHex(code, at, Math.min(code.length, at + BYTES_PER_LINE))).append('\n');
        }
        return text.toString();
    }
}
