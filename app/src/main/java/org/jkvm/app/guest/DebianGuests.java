package org.jkvm.app.guest;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jkvm.base.HostException;

/**
 * Unmodified guests from Debian's packages, fetched once into a cache folder and used from there afterwards, without a
 * network. Several processes may share the folder; one object belongs to one thread.
 */
public final class DebianGuests {
    private static final String COMPLETE = "complete";

    private final Path cache;
    private final Consumer<String> progress;

    /**
     * Guests in {@code cache}.
     *
     * @param progress gets one line a step; called on the caller's thread
     */
    public DebianGuests(Path cache, Consumer<String> progress) {
        this.cache = cache;
        this.progress = progress;
    }

    /** The user's cache folder: $XDG_CACHE_HOME/jkvm or ~/.cache/jkvm (XDG Base Directory Specification). */
    public static Path userCache() {
        return Optional.ofNullable(System.getenv("XDG_CACHE_HOME")).filter(s -> s.startsWith("/")).map(Path::of)
                .orElseGet(() -> Path.of(System.getProperty("user.home"), ".cache")).resolve("jkvm");
    }

    /**
     * A kernel of Debian's, with its modules and a static busybox.
     *
     * @param architecture  amd64 or i386
     * @param kernelPackage the kernel's metapackage: linux-image-cloud-amd64, linux-image-amd64, linux-image-686,
     *                      linux-image-686-pae
     * @throws HostException when it is not in the cache and can't be fetched
     */
    public LinuxGuest linux(String architecture, String kernelPackage) {
        Path folder = cache.resolve("guests").resolve(architecture + "-" + kernelPackage);
        try {
            Files.createDirectories(folder);
            try (FileChannel lock = FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE)) {
                lock.lock();
                if (!Files.exists(folder.resolve(COMPLETE))) {
                    fetch(folder, architecture, kernelPackage);
                }
            }
            return guest(folder);
        } catch (IOException e) {
            throw new HostException("unpacking " + kernelPackage + " into " + folder + ": " + e.getMessage(), e);
        }
    }

    private void fetch(Path folder, String architecture, String kernelPackage) throws IOException {
        PackageClient client = new PackageClient(cache.resolve("apt-" + architecture), architecture,
                line -> progress.accept("  " + line));
        progress.accept("fetching " + kernelPackage + " and busybox-static (" + architecture + ") with apt-get");
        client.update();
        String version = client.dependencies(kernelPackage).stream().filter(name -> name.startsWith("linux-image-"))
                .findFirst().orElse(kernelPackage);
        Path kernel = client.download(version);
        Path busybox = client.download("busybox-static");
        progress.accept("unpacking " + version);
        DebFile.unpack(kernel, path -> kernelFile(folder, path));
        DebFile.unpack(busybox, path -> Optional.of(folder.resolve("busybox")).filter(_ -> path.endsWith("bin/busybox")));
        Files.delete(kernel);
        Files.delete(busybox);
        Files.write(folder.resolve(COMPLETE), List.of(version));
    }

    private static Optional<Path> kernelFile(Path folder, String path) {
        if (path.startsWith("boot/vmlinuz-")) {
            return Optional.of(folder.resolve("vmlinuz"));
        }
        Path modules = folder.resolve("modules");
        return Optional.of(modules.resolve(Path.of(path).getFileName())).filter(_ -> path.endsWith(".ko"));
    }

    private static LinuxGuest guest(Path folder) throws IOException {
        return new LinuxGuest(Files.readString(folder.resolve(COMPLETE)).strip(), folder.resolve("vmlinuz"),
                folder.resolve("modules"), folder.resolve("busybox"));
    }
}
