package org.jkvm.boot;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Supplier;
import java.util.zip.GZIPInputStream;
import org.jkvm.app.guest.DebianGuests;
import org.jkvm.app.guest.LinuxGuest;
import org.jkvm.base.HostException;
import org.junit.jupiter.api.Assumptions;

/** What the boot tests boot. A test is skipped, with the reason, where it can't be had. */
final class Guests {
    private Guests() {
    }

    /** A kernel of Debian's. */
    static LinuxGuest debian(String architecture, String kernelPackage) {
        return orSkip(() -> guests().linux(architecture, kernelPackage));
    }

    /** Debian's Xen hypervisor, unpacked into {@code folder}. */
    static Path xen(Path folder) throws IOException {
        Path packed = orSkip(guests()::xen);
        try (InputStream in = new GZIPInputStream(Files.newInputStream(packed))) {
            return Files.write(folder.resolve("xen"), in.readAllBytes());
        }
    }

    private static DebianGuests guests() {
        return new DebianGuests(DebianGuests.userCache(), System.out::println);
    }

    private static <T> T orSkip(Supplier<T> guest) {
        try {
            return guest.get();
        } catch (HostException e) {
            return Assumptions.abort("no guest: " + e.getMessage());
        }
    }

    /** An initrd of {@code guest}'s that starts a script of this package's resources. */
    static Path initrd(LinuxGuest guest, Path folder, String script) throws IOException {
        Path initrd = folder.resolve(script + ".img");
        guest.writeInitrd(initrd, LinuxGuest.VIRTIO_AND_EXT4, resource(script));
        return initrd;
    }

    private static String resource(String name) throws IOException {
        try (InputStream text = Guests.class.getResourceAsStream(name)) {
            return new String(text.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** A tool on the path; the test is skipped where there is none. */
    static Path tool(String name) {
        return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(":")).map(folder -> Path.of(folder, name))
                .filter(Files::isExecutable).findFirst()
                .orElseGet(() -> Assumptions.abort(name + " is not installed here"));
    }
}
