package org.jkvm.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jkvm.app.demo.GuestConsole;
import org.jkvm.app.guest.DebianGuests;
import org.jkvm.app.guest.LinuxGuest;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Images;

/**
 * How fast a guest's virtual hard disk is, under kvm beside QEMU's software engine: sequential requests of 128 KiB and
 * random ones of 4 KiB, 1 and 32 under way. The engines take turns; of each the best of two rounds counts. Arguments:
 * format of the disk (raw), seconds a measurement (2), and a folder for the disks (the cache's).
 */
public final class DiskBench {
    private static final int SIZE = 256 << 20;
    private static final int ROUNDS = 2;
    private static final Pattern RESULT = Pattern.compile("io ([a-z]+-[a-z]+-\\d+) (\\d+)");

    private final String format;
    private final Path folder;
    private final LinuxGuest linux;
    private final Path initrd;

    private DiskBench(Path root, String format, String seconds, Path folder) throws IOException, InterruptedException {
        this.format = format;
        this.folder = Files.createDirectories(folder);
        Path sources = root.resolve("testing/bench/src/main/disk");
        Path tree = Files.createDirectories(folder.resolve("disk-tree/workload")).getParent();
        int status = new ProcessBuilder("gcc", "-O2", "-static", "-o", tree.resolve("workload/disk-io").toString(),
                sources.resolve("disk-io.c").toString()).inheritIO().start().waitFor();
        if (status != 0) {
            throw new IOException("gcc failed");
        }
        linux = new DebianGuests(DebianGuests.userCache(), System.err::println).linux("amd64", "linux-image-cloud-amd64");
        initrd = folder.resolve("disk.img");
        linux.writeInitrd(initrd, List.of("virtio_pci", "virtio_blk"),
                Files.readString(sources.resolve("init.sh")).replace("SECONDS", seconds), List.of(tree));
    }

    /** Runs it; see the class. */
    public static void main(String[] words) throws Exception {
        Path root = Path.of(System.getProperty("jkvm.root"));
        Path folder = words.length > 2 ? Path.of(words[2]) : DebianGuests.userCache().resolve("bench");
        new DiskBench(root, words.length > 0 ? words[0] : "raw", words.length > 1 ? words[1] : "2", folder).run(root);
    }

    private void run(Path root) throws Exception {
        Engine kvm = Engine.kvm(root, List.of());
        Engine qemu = Engine.qemu(List.of());
        Map<String, Double> ours = new LinkedHashMap<>();
        Map<String, Double> theirs = new LinkedHashMap<>();
        for (int round = 0; round < ROUNDS; round++) {
            measure(kvm, ours);
            measure(qemu, theirs);
        }
        System.out.println("| " + format + " | kvm | QEMU TCG | ratio |\n|---|---|---|---|");
        ours.forEach((name, speed) -> System.out.printf(Locale.ROOT, "| %s | %.1f MB/s | %.1f MB/s | %.2f |%n", name,
                speed / 1e6, theirs.get(name) / 1e6, speed / theirs.get(name)));
    }

    private void measure(Engine engine, Map<String, Double> best) throws Exception {
        Path disk = folder.resolve("io-" + engine.name() + "." + format);
        Files.deleteIfExists(disk);
        Images.create(disk, CreateOptions.of(format, SIZE));
        ProcessBuilder machine = engine.start(new Engine.Settings(256, 1), linux.kernel(), initrd,
                List.of("-drive", "file=" + disk + ",format=" + format + ",if=virtio"));
        try (GuestConsole console = new GuestConsole(machine, null)) {
            console.await("io end", Duration.ofMinutes(10));
            RESULT.matcher(console.output()).results()
                    .forEach(m -> best.merge(m.group(1), Double.parseDouble(m.group(2)), Math::max));
        } finally {
            Files.deleteIfExists(disk);
        }
    }
}
