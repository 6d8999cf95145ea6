package org.jkvm.bench;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jkvm.app.guest.DebianGuests;
import org.jkvm.app.guest.LinuxGuest;

/**
 * The files that are measured. Kernel, initial RAM disks and unpacked programs are made in a cache; disks and what the
 * programs write on the host are this run's own.
 */
final class Workload implements AutoCloseable {
    private static final List<String> PACKAGES =
            List.of("coreutils", "gzip", "xz-utils", "bzip2", "mawk", "openssl", "python3-minimal", "tar");
    private static final List<String> MODULES = List.of("virtio_pci", "virtio_blk");
    private static final int DISK = 192 << 20;

    private final Path sources;
    private final Path folder;
    private final Path run;
    private final Consumer<String> progress;
    private final LinuxGuest linux;
    private final Path tree;
    private final boolean compiled;

    /**
     * Makes or finds everything.
     *
     * @param root     of the project's sources
     * @param progress gets one line a step
     */
    Workload(Path root, Consumer<String> progress) throws IOException, InterruptedException {
        this.progress = progress;
        sources = root.resolve("testing/bench/src/main/guest");
        folder = Files.createDirectories(DebianGuests.userCache().resolve("bench"));
        run = Files.createTempDirectory(folder, "run");
        DebianGuests guests = new DebianGuests(DebianGuests.userCache(), progress);
        linux = guests.linux("amd64", "linux-image-cloud-amd64");
        tree = guests.programs("amd64", PACKAGES);
        compiled = compile();
        copyScripts();
        linux.writeInitrd(initrd(), MODULES, source("init.sh"), List.of(tree, folder.resolve("overlay")));
        linux.writeInitrd(promptInitrd(), MODULES, source("prompt.sh"));
    }

    private String source(String name) throws IOException {
        return Files.readString(sources.resolve(name));
    }

    private Path scripts() {
        return folder.resolve("overlay/workload");
    }

    private void copyScripts() throws IOException {
        for (String name : List.of("agent.sh", "programs.sh")) {
            Files.copy(sources.resolve(name), scripts().resolve(name), StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** Compiles the C programs. Without a compiler they are left out. */
    private boolean compile() throws IOException, InterruptedException {
        Files.createDirectories(scripts());
        List<String> words = new ArrayList<>(List.of("gcc", "-O2", "-static", "-pthread", "-o",
                scripts().resolve("programs").toString()));
        try (Stream<Path> files = Files.list(sources)) {
            files.map(Path::toString).filter(name -> name.endsWith(".c")).sorted().forEach(words::add);
        }
        words.add("-lm");
        try {
            return new ProcessBuilder(words).inheritIO().start().waitFor() == 0;
        } catch (IOException e) {
            progress.accept("the C programs are left out: " + e.getMessage());
            return false;
        }
    }

    /** Whether there was a C compiler. */
    boolean compiled() {
        return compiled;
    }

    /** Debian's kernel. */
    LinuxGuest linux() {
        return linux;
    }

    /** The initial RAM disk with the programs and their agent. */
    Path initrd() {
        return folder.resolve("workload.img");
    }

    /** The initial RAM disk that only starts a shell. */
    Path promptInitrd() {
        return folder.resolve("prompt.img");
    }

    /** Where a machine's monitor may listen. */
    Path monitor() {
        return run.resolve("monitor");
    }

    /** A disk of an engine's own, always with the same content. */
    Path disk(String engine) throws IOException {
        Path disk = run.resolve(engine + ".disk");
        byte[] block = new byte[1 << 20];
        Random random = new Random(1);
        try (OutputStream out = Files.newOutputStream(disk)) {
            for (int at = 0; at < DISK; at += block.length) {
                random.nextBytes(block);
                out.write(block);
            }
        }
        return disk;
    }

    /** The agent on the host itself: Debian's programs, started by their own dynamic linker. */
    ProcessBuilder host() throws IOException {
        Path work = Files.createDirectories(run.resolve("work"));
        Files.copy(scripts().resolve("programs"), work.resolve("programs"), StandardCopyOption.REPLACE_EXISTING);
        Path libraries = tree.resolve("usr/lib/x86_64-linux-gnu");
        String busybox = linux.busybox().toString();
        linux.busybox().toFile().setExecutable(true);
        ProcessBuilder agent = new ProcessBuilder(busybox, "sh", scripts().resolve("agent.sh").toString());
        agent.environment().put("root", tree.toString());
        agent.environment().put("load", libraries.resolve("ld-linux-x86-64.so.2") + " --library-path " + libraries);
        agent.environment().put("work", work.toString());
        agent.environment().put("here", scripts().toString());
        agent.environment().put("OPENSSL_CONF", "/dev/null");
        return agent;
    }

    /** Deletes this run's own files. */
    @Override
    public void close() throws IOException {
        try (Stream<Path> files = Files.walk(run)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
