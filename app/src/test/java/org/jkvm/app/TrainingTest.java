package org.jkvm.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The guest that fills the ahead-of-time cache. */
class TrainingTest {
    private static final Path SOURCE = Path.of("src/main/resources/org/jkvm/app/training.s");
    private static final Path HEX = Path.of("src/main/resources/org/jkvm/app/training.hex");
    private static final int BYTES_PER_LINE = 32;

    @TempDir
    private Path folder;

    @Test
    void bytesAreWhatTheAssemblyGives() throws Exception {
        assumeTrue(installed("as") && installed("ld"), "GNU as and ld are not installed");
        String object = folder.resolve("training.o").toString();
        Path binary = folder.resolve("training.bin");
        run("as", "--64", SOURCE.toString(), "-o", object);
        run("ld", "-m", "elf_x86_64", "-Ttext=0x100000", "--oformat", "binary", "-e", "0x100000", object, "-o",
                binary.toString());
        String hex = format(Files.readAllBytes(binary));
        if (Boolean.getBoolean("jkvm.regenerate")) {
            Files.writeString(HEX, hex);
        }
        assertThat(HEX).as("run the test with -Djkvm.regenerate=true to write it anew").hasContent(hex);
    }

    @Test
    @Timeout(120)
    void itsGuestEndsByResettingTheMachine() throws IOException {
        Path kernel = folder.resolve("training.bin");
        Files.write(kernel, Training.guest());
        assertThat(Kvm.run("-accel", "soft", "-nodefaults", "-display", "none", "-serial", "null", "-no-reboot", "-m", "128",
                "-kernel", kernel.toString())).isZero();
    }

    private static String format(byte[] code) {
        StringBuilder text = new StringBuilder();
        for (int at = 0; at < code.length; at += BYTES_PER_LINE) {
            text.append(HexFormat.of().formatHex(code, at, Math.min(code.length, at + BYTES_PER_LINE))).append('\n');
        }
        return text.toString();
    }

    private static void run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes());
        assertThat(process.waitFor()).as("%s: %s", List.of(command), said).isZero();
    }

    private static boolean installed(String tool) {
        return Stream.of(System.getenv("PATH").split(":")).anyMatch(dir -> Files.isExecutable(Path.of(dir, tool)));
    }
}
