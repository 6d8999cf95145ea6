package org.jkvm.app.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.ToIntFunction;
import java.util.stream.Stream;
import org.jkvm.app.demo.GuestConsole.GuestFailure;
import org.jkvm.app.guest.DebianGuests;
import org.jkvm.base.HostException;
import org.jkvm.base.UserException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code kvm demo}: a guest for somebody who has none. */
@Command(name = "kvm demo", mixinStandardHelpOptions = true, description = {
    "Boots a small Linux guest to a shell prompt.",
    "The kernel and its user land come from Debian's packages, through the host's package client; they and the virtual hard "
        + "disk are kept in ~/.cache/jkvm, and later runs need no network."})
public final class DemoCommand implements Callable<Integer> {
    private final ToIntFunction<String[]> kvm;

    @Option(names = "--check", description = "run unattended on a new disk, and say whether everything works")
    private boolean check;
    @Option(names = "--verbose", description = "with --check: show the guest's console")
    private boolean verbose;
    @Option(names = "--reset", description = "begin with a new virtual hard disk")
    private boolean reset;

    /** The command; {@code kvm} runs the kvm command with arguments. */
    public DemoCommand(ToIntFunction<String[]> kvm) {
        this.kvm = kvm;
    }

    @Override
    public Integer call() {
        try {
            return check ? check() : interactive();
        } catch (IOException e) {
            throw new HostException("kvm demo: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return UserException.FAILED;
        }
    }

    private int interactive() throws IOException {
        Path folder = DebianGuests.userCache().resolve("demo");
        if (reset) {
            Files.deleteIfExists(folder.resolve("disk.qcow2"));
        }
        DemoGuest guest = DemoGuest.prepare(folder, DemoCommand::say);
        say("booting; type 'poweroff' in the guest to leave, or press Ctrl-A x; 'kvm demo' comes back to the same disk");
        List<String> words = new ArrayList<>(guest.options());
        words.addAll(List.of("-name", "demo", "-nographic"));
        say("kvm " + String.join(" ", words));
        return kvm.applyAsInt(words.toArray(String[]::new));
    }

    private int check() throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("jkvm-demo-");
        try {
            new DemoCheck(DemoGuest.prepare(folder, DemoCommand::say), verbose ? System.out : null, DemoCommand::say).run();
            say("all is well");
            return 0;
        } catch (GuestFailure e) {
            say("FAILED: " + e.getMessage());
            return UserException.FAILED;
        } finally {
            delete(folder);
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }

    private static void say(String line) {
        System.out.println("demo: " + line);
    }
}
