package org.jkvm.app;

import java.util.Optional;
import org.jkvm.app.cli.Arguments;
import org.jkvm.app.cli.ManPage;
import org.jkvm.app.cli.Option;
import org.jkvm.app.settings.SettingsReader;
import org.jkvm.app.vm.Session;
import org.jkvm.app.vm.SoftBackend;
import org.jkvm.base.HostException;
import org.jkvm.base.UserException;

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
            return start(Arguments.parse(words));
        } catch (UserException e) {
            System.err.println("kvm: " + e.getMessage());
            return e.exitStatus();
        } catch (HostException e) {
            System.err.println("kvm: " + e.getMessage());
            return UserException.FAILED;
        }
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
        return new Session(SettingsReader.read(arguments), new SoftBackend()).run();
    }
}
