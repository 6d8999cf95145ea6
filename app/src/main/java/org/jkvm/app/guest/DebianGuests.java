package org.jkvm.app.guest;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jkvm.base.HostException;

/**
 * Unmodified guests from Debian's packages, fetched once into a cache folder and used from there afterwards, without a
 * network. Several processes may share the folder; one object belongs to one thread.
 */
public final class DebianGuests {
    private static final String COMPLETE = "complete";
    /** What packages depend on to be installed, not to run. */
    private static final Set<String> MANAGEMENT = Set.of("dpkg", "debconf", "install-info");

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
        Path folder = folder(architecture, kernelPackage, f -> fetch(f, architecture, kernelPackage));
        try {
            return guest(folder);
        } catch (IOException e) {
            throw unpacking(kernelPackage, folder, e);
        }
    }

    /** The kernel of such a guest where it is in the cache already; nothing is fetched. */
    public Optional<Path> cachedKernel(String architecture, String kernelPackage) {
        Path folder = cache.resolve("guests").resolve(architecture + "-" + kernelPackage);
        return Optional.of(folder.resolve("vmlinuz")).filter(_ -> Files.exists(folder.resolve(COMPLETE)));
    }

    /**
     * Debian's Xen hypervisor: a multiboot kernel, packed with gzip.
     *
     * @throws HostException when it is not in the cache and can't be fetched
     */
    public Path xen() {
        return folder("amd64", "xen-hypervisor", this::fetchXen).resolve("xen.gz");
    }

    /**
     * Debian's programs with all that they need to run, unpacked: a tree with everything below {@code usr}, and the links
     * {@code lib} and {@code lib64} to it, where the dynamic linker is looked for. Documentation is left out.
     *
     * @throws HostException when it is not in the cache and can't be fetched
     */
    public Path programs(String architecture, List<String> packages) {
        String name = String.join("+", packages);
        return folder(architecture, name, folder -> fetchPrograms(folder, architecture, packages)).resolve("tree");
    }

    private interface Fetcher {
        void fetch(Path folder) throws IOException;
    }

    /** The folder of a guest, filled once however many ask for it. */
    private Path folder(String architecture, String name, Fetcher fetcher) {
        Path folder = cache.resolve("guests").resolve(architecture + "-" + name);
        try {
            Files.createDirectories(folder);
            try (FileChannel lock = FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE)) {
                lock.lock();
                if (!Files.exists(folder.resolve(COMPLETE))) {
                    fetcher.fetch(folder);
                }
            }
            return folder;
        } catch (IOException e) {
            throw unpacking(name, folder, e);
        }
    }

    private static HostException unpacking(String name, Path folder, IOException e) {
        return new HostException("unpacking " + name + " into " + folder + ": " + e.getMessage(), e);
    }

    private PackageClient client(String what, String architecture) throws IOException {
        progress.accept("fetching " + what + " (" + architecture + ") with apt-get");
        PackageClient client = new PackageClient(cache.resolve("apt-" + architecture), architecture,
                line -> progress.accept("  " + line));
        client.update();
        return client;
    }

    private void fetchXen(Path folder) throws IOException {
        PackageClient client = client("xen-hypervisor", "amd64");
        String version = client.dependencies("xen-system-amd64").stream().filter(name -> name.startsWith("xen-hypervisor-"))
                .filter(name -> name.endsWith("-amd64")).findFirst()
                .orElseThrow(() -> new HostException("xen-system-amd64: depends on no hypervisor"));
        Path xen = client.download(version);
        DebFile.unpack(xen, path -> Optional.of(folder.resolve("xen.gz")).filter(_ -> path.matches("boot/xen-.*\\.gz")));
        Files.delete(xen);
        Files.write(folder.resolve(COMPLETE), List.of(version));
    }

    private void fetchPrograms(Path folder, String architecture, List<String> packages) throws IOException {
        PackageClient client = client(String.join(", ", packages), architecture);
        Set<String> needed = new TreeSet<>();
        for (String name : packages) {
            addWithDependencies(client, name, needed);
        }
        Path tree = folder.resolve("tree");
        for (String name : needed) {
            Path deb = client.download(name);
            DebFile.unpackTree(deb, tree, DebianGuests::programFile);
            Files.delete(deb);
        }
        for (String top : List.of("lib", "lib64")) {
            Files.createSymbolicLink(tree.resolve(top), Path.of("usr", top));
        }
        Files.write(folder.resolve(COMPLETE), needed);
    }

    private static void addWithDependencies(PackageClient client, String name, Set<String> needed) throws IOException {
        if (MANAGEMENT.contains(name) || !needed.add(name)) {
            return;
        }
        for (String dependency : client.dependencies(name)) {
            addWithDependencies(client, dependency, needed);
        }
    }

    /** Where a file of a package goes: below usr, as on every Debian system since 12 (Debian wiki, UsrMerge). */
    private static Optional<String> programFile(String path) {
        String merged = path.matches("(bin|sbin|lib|lib64)/.*") ? "usr/" + path : path;
        return Optional.of(merged).filter(p -> p.matches("usr/(bin|sbin|lib|lib64)/.*"));
    }

    private void fetch(Path folder, String architecture, String kernelPackage) throws IOException {
        PackageClient client = client(kernelPackage + " and busybox-static", architecture);
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
