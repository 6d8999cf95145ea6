package org.jkvm.app;

import java.util.Optional;
import org.jkvm.app.cli.Arguments;
import org.jkvm.app.cli.Option;
import org.jkvm.app.settings.SettingsReader;
import org.jkvm.app.vm.Accelerator;
import org.jkvm.app.vm.DebugLog;

/** Answers to options whose argument is "help": what there is to choose from. */
final class Help {
    private static final String ACCELERATORS = """
            Accelerators supported in kvm binary:
            auto                 kvm where it is fast, else soft (default)
            kvm                  Linux's /dev/kvm, with the software engine's help
            soft                 the software engine (tcg means this too)
            """;
    private static final String MACHINES = """
            Supported machines are:
            pc                   PC (i440FX and PIIX) (default)
            """;
    private static final String CHARDEVS = """
            Available chardev backend types:
              file
              null
              pty
              socket
              stdio
            """;
    private static final String OBJECTS = """
            List of user creatable objects:
              rng-builtin
              rng-random
            """;

    private Help() {
    }

    /** The answer to the first option that asks; empty where none does. */
    static Optional<String> answer(Arguments given) {
        if (asks(given, Option.CPU)) {
            return Optional.of(Accelerator.soft().cpuHelp());
        }
        return asked(given, Option.ACCEL, ACCELERATORS).or(() -> asked(given, Option.MACHINE, MACHINES))
                .or(() -> asked(given, Option.CHARDEV, CHARDEVS)).or(() -> asked(given, Option.OBJECT, OBJECTS))
                .or(() -> asked(given, Option.D, DebugLog.help()))
                .or(() -> SettingsReader.help(given));
    }

    private static Optional<String> asked(Arguments given, Option option, String answer) {
        return asks(given, option) ? Optional.of(answer) : Optional.empty();
    }

    private static boolean asks(Arguments given, Option option) {
        return given.all(option).stream().anyMatch(text -> text.equals("help") || text.equals("?"));
    }
}
