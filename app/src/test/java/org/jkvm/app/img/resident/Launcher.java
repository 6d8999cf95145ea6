package org.jkvm.app.img.resident;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** kvm-img as a shell starts it, with resident.sh as it is, but for an application that is this test's class path. */
final class Launcher {
    /** What a command printed that no resident did. */
    static final String OWN = "done here";

    private static final String SCRIPT = """
            set -euo pipefail
            source "$scripts/launch.sh"
            source "$scripts/resident.sh"
            app=$workshop/app/target/kvm
            sources() { printf '%%s\\n' "$workshop" "$workshop/source"; }
            become_resident() {
                cd /
                exec "$jdk/bin/java" -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED %s \\
                    "$address" "$app/made" "$locale"
            }
            ask_resident "$@"
            echo %s
            """.formatted(Resident.class.getName(), OWN);

    private final Path workshop;
    private final Path cache;

    /** What a command said. */
    record Said(int status, String out, String err) {
        boolean byResident() {
            return !out.contains(OWN);
        }
    }

    Launcher(Path folder) throws IOException {
        workshop = Files.createDirectories(folder.resolve("workshop"));
        cache = Files.createDirectories(folder.resolve("cache"));
        Files.createFile(source());
        build();
    }

    /** Makes the application newer than its sources. */
    void build() throws IOException {
        Path made = Files.createDirectories(workshop.resolve("app/target/kvm")).resolve("made");
        Files.writeString(made, System.getProperty("java.home") + " " + workshop + "\n");
    }

    Path source() {
        return workshop.resolve("source");
    }

    /** The file that says where the resident is. */
    Path file() {
        return cache.resolve("jkvm").resolve("kvm-img" + workshop.toString().replace('/', '-'));
    }

    /** The address of the resident, where there is one. */
    Optional<Address> address() throws IOException {
        String[] words = Files.exists(file()) ? Files.readString(file()).trim().split(" ") : new String[0];
        return words.length == 3 ? Optional.of(new Address(file(), Integer.parseInt(words[0]), words[1], words[2]))
                : Optional.empty();
    }

    /** Gives commands until there is a resident. */
    Address await(Path image) throws IOException, InterruptedException {
        for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60); System.nanoTime() < end; Thread.sleep(50)) {
            if (address().isPresent()) {
                return address().get();
            }
            run(image.getParent(), "info", image.toString());
        }
        throw new AssertionError("no resident in a minute");
    }

    Said run(Path directory, String... words) throws IOException, InterruptedException {
        return run(Map.of(), directory, words);
    }

    Said run(Map<String, String> environment, Path directory, String... words) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("bash", "-c", SCRIPT, "kvm-img"));
        command.addAll(List.of(words));
        Path err = Files.createTempFile(cache, "err", "");
        ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile()).redirectError(err.toFile());
        builder.environment().keySet().removeAll(List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "JKVM_RESIDENT"));
        builder.environment().putAll(Map.of("workshop", workshop.toString(), "XDG_CACHE_HOME", cache.toString(),
                "scripts", Path.of("src/main/sh").toAbsolutePath().toString(), "jdk", System.getProperty("java.home"),
                "CLASSPATH", System.getProperty("java.class.path")));
        builder.environment().putAll(environment);
        Process process = builder.start();
        String out = new String(process.getInputStream().readAllBytes());
        return new Said(process.waitFor(), out, Files.readString(err));
    }
}
