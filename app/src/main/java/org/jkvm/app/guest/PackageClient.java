package org.jkvm.app.guest;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jkvm.base.HostException;

/**
 * Debian's package client, apt, with lists, cache and status of its own: it needs no root, leaves the host's packages and
 * settings as they are, and can fetch for another architecture. Sources and their keys are the host's; apt checks
 * signatures and checksums.
 */
final class PackageClient {
    private final Path folder;
    private final String architecture;
    private final Consumer<String> progress;

    /**
     * A client that works in {@code folder}.
     *
     * @param architecture Debian's name for it: amd64, i386
     * @param progress     gets a line whenever something was done
     */
    PackageClient(Path folder, String architecture, Consumer<String> progress) {
        this.folder = folder;
        this.architecture = architecture;
        this.progress = progress;
    }

    /** Fetches the lists of packages. One list that fails is reported, not fatal: the others may do. */
    void update() throws IOException {
        Files.createDirectories(folder.resolve("state/lists/partial"));
        Files.createDirectories(folder.resolve("cache/archives/partial"));
        Files.createDirectories(folder.resolve("packages"));
        Files.write(folder.resolve("state/status"), List.of());
        Files.writeString(configuration(), settings());
        try {
            run(line -> { }, "apt-get", "update");
        } catch (HostException e) {
            progress.accept(e.getMessage());
        }
    }

    /** The packages that {@code name} depends on, before its installation too, first alternatives only. */
    List<String> dependencies(String name) throws IOException {
        List<String> lines = new ArrayList<>();
        run(lines::add, "apt-cache", "show", name);
        return Stream.of("Pre-Depends: ", "Depends: ").flatMap(field -> firstField(lines, field))
                .map(dependency -> dependency.strip().split("[ (|:]")[0]).toList();
    }

    /** The list in a field of the first record that has it: the newest version's. */
    private static Stream<String> firstField(List<String> lines, String field) {
        return lines.stream().filter(line -> line.startsWith(field)).findFirst().stream()
                .flatMap(line -> Stream.of(line.substring(field.length()).split(",")));
    }

    /** Fetches a package; returns the .deb file. */
    Path download(String name) throws IOException {
        deleteOld(name);
        run(progress, "apt-get", "download", name);
        try (Stream<Path> files = Files.list(folder.resolve("packages"))) {
            return files.filter(file -> isPackage(file, name)).findFirst()
                    .orElseThrow(() -> new HostException("apt-get download " + name + ": left no file"));
        }
    }

    private void deleteOld(String name) throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve("packages"))) {
            for (Path old : files.filter(file -> isPackage(file, name)).toList()) {
                Files.delete(old);
            }
        }
    }

    private static boolean isPackage(Path file, String name) {
        String text = file.getFileName().toString();
        return text.startsWith(name + "_") && text.endsWith(".deb");
    }

    private Path configuration() {
        return folder.resolve("apt.conf");
    }

    /** Read after the host's configuration: hooks of the host's (apt.conf(5), Update) have no business here. */
    private String settings() {
        return """
                Dir::State "%1$s/state";
                Dir::State::status "%1$s/state/status";
                Dir::Cache "%1$s/cache";
                APT::Architecture "%2$s";
                #clear APT::Architectures;
                APT::Architectures { "%2$s"; };
                APT::Sandbox::User "root";
                Acquire::Retries "2";
                #clear APT::Update::Pre-Invoke;
                #clear APT::Update::Post-Invoke;
                #clear APT::Update::Post-Invoke-Success;
                """.formatted(folder, architecture);
    }

    private void run(Consumer<String> lines, String tool, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(tool, "-c", configuration().toString()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.resolve("packages").toFile())
                .redirectErrorStream(true).redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        builder.environment().put("LC_ALL", "C.UTF-8");
        finish(start(builder), lines, tool + " " + String.join(" ", arguments));
    }

    private static Process start(ProcessBuilder builder) {
        try {
            return builder.start();
        } catch (IOException e) {
            throw new HostException(builder.command().getFirst() + " is not here: guests come from Debian's packages, "
                    + "through its package client (Debian, Ubuntu); elsewhere boot a kernel of your own with -kernel", e);
        }
    }

    private static void finish(Process process, Consumer<String> lines, String command) throws IOException {
        String problem = "";
        try (BufferedReader output = new BufferedReader(
                new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                problem = line.startsWith("E: ") && problem.isEmpty() ? line : problem;
                lines.accept(line);
            }
            if (process.waitFor() != 0) {
                throw new HostException(command + ": "
                        + (problem.isEmpty() ? "exit status " + process.exitValue() : problem));
            }
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
            throw new HostException(command + ": interrupted", e);
        }
    }
}
