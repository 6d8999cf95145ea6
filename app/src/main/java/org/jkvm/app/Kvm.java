package org.jkvm.app;

import java.util.Arrays;
import java.util.Optional;
import org.jkvm.app.cli.Arguments;
import org.jkvm.app.cli.ManPage;
import org.jkvm.app.cli.Option;
import org.jkvm.app.demo.DemoCommand;
import org.jkvm.app.doctor.DoctorCommand;
import org.jkvm.app.settings.SettingsReader;
import org.jkvm.app.settings.VmSettings;
import org.jkvm.app.vm.Accelerator;
import org.jkvm.app.vm.Session;
import org.jkvm.base.HostException;
import org.jkvm.base.UserException;
import org.jkvm.soft.SoftCpus;
import org.jkvm.storage.nbd.NbdAddress;
import picocli.CommandLine;

/** The kvm command. */
public final class Kvm {
    private Kvm() {
    }

    /** Runs the command and ends the process with its exit status. */
    public static void main(String[] words) {
        int status = run(words);
        System.out.flush();
        Runtime.getRuntime().exit(status);
    }

    /** Runs the command; returns its exit status. */
    static int run(String... words) {
        try {
            return switch (words.length == 0 ? "" : words[0]) {
                case "demo" -> command(new DemoCommand(Kvm::run), words);
                case "doctor" -> command(new DoctorCommand(), words);
                default -> start(Arguments.parse(words));
            };
        } catch (UserException | HostException e) {
            return failed(e);
        }
    }

    /** Says in one line what went wrong where that is the user's or the host's doing; a bug of ours has its stack trace. */
    private static int failed(Exception e) {
        switch (e) {
            case UserException user -> {
                System.err.println("kvm: " + NbdAddress.readable(user.getMessage()));
                return user.exitStatus();
            }
            case HostException host -> {
                System.err.println("kvm: " + NbdAddress.readable(host.getMessage()));
                return UserException.FAILED;
            }
            case RuntimeException bug -> throw bug;
            default -> throw new IllegalStateException(e);
        }
    }

    private static int command(Object command, String... words) {
        CommandLine line = new CommandLine(command);
        return line.setExecutionExceptionHandler((e, _, _) -> failed(e)).execute(Arrays.copyOfRange(words, 1, words.length));
    }

    /** Makes on another processor what takes long at its first use and every machine needs: instruction tables and the log. */
    private static void prepare() {
        Thread.ofPlatform().daemon().name("preparation").start(() -> {
            SoftCpus.models();
            System.LoggerFinder.getLoggerFinder();
        });
    }

    private static int start(Arguments arguments) {
        if (arguments.has(Option.HELP)) {
            System.out.print(ManPage.text());
            return 0;
        }
        if (arguments.has(Option.VERSION)) {
            System.out.println(Version.text());
            return 0;
        }
        Optional<String> help = Help.answer(arguments);
        if (help.isPresent()) {
            System.out.print(help.get());
            return 0;
        }
        prepare();
        VmSettings settings = SettingsReader.read(arguments);
        return new Session(settings, Accelerator.choose(settings.accelerators(), settings.engine(), settings.splitChip())).run();
    }
}
