package org.jkvm.boot;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jkvm.app.Kvm;

/** The kvm command in a process of its own. */
final class KvmCommand {
    private KvmCommand() {
    }

    /**
     * How a command ended.
     *
     * @param status its exit status
     * @param out    its standard output
     * @param err    its standard error output
     */
    record Outcome(int status, String out, String err) {
        /** The last line of the standard error output, of those that are not the JVM's. */
        String message() {
            return err.lines().reduce("", (_, last) -> last);
        }
    }

    /** The command with {@code words}, not started. */
    static ProcessBuilder with(List<String> words) {
        List<String> all = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC", "-Xmx512m", "-XX:-UsePerfData", "--enable-native-access=ALL-UNNAMED",
                "-cp", System.getProperty("java.class.path"), Kvm.class.getName()));
        all.addAll(words);
        return new ProcessBuilder(all);
    }

    /** Runs the command to its end. */
    static Outcome run(Path folder, Duration limit, String... words) throws IOException, InterruptedException {
        return run(folder, limit, List.of(words));
    }

    /** Runs the command to its end. */
    static Outcome run(Path folder, Duration limit, List<String> words) throws IOException, InterruptedException {
        Path out = folder.resolve("stdout");
        Path err = folder.resolve("stderr");
        Process process = with(words).directory(folder.toFile()).redirectInput(Path.of("/dev/null").toFile())
                .redirectOutput(out.toFile()).redirectError(err.toFile()).start();
        try {
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new AssertionError("kvm " + String.join(" ", words) + ": more than " + limit.toSeconds() + " s");
            }
        } finally {
            process.destroyForcibly();
        }
        return new Outcome(process.exitValue(), read(out), read(err));
    }

    /** {@code common} with {@code more} words behind. */
    static List<String> words(List<String> common, String... more) {
        return Stream.concat(common.stream(), Arrays.stream(more)).toList();
    }

    private static String read(Path file) throws IOException {
        return Files.readString(file, StandardCharsets.ISO_8859_1);
    }
}
