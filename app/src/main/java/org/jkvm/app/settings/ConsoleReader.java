package org.jkvm.app.settings;

import java.util.ArrayList;
import java.util.List;
import org.jkvm.app.cli.Arguments;
import org.jkvm.app.cli.ChardevSpec;
import org.jkvm.app.cli.ChardevSyntax;
import org.jkvm.app.cli.Option;
import org.jkvm.app.cli.OptionList;
import org.jkvm.base.UserException;

/** Reads what serial ports and monitors are connected to, and what they are where nobody says. */
final class ConsoleReader {
    private final Arguments given;

    ConsoleReader(Arguments given) {
        this.given = given;
    }

    VmSettings.Consoles read(int maxSerials) {
        List<ChardevSpec.Named> chardevs = given.all(Option.CHARDEV).stream().map(ChardevSyntax::chardev).toList();
        List<ConsoleSettings> serials = new ArrayList<>();
        given.all(Option.SERIAL).forEach(text -> serials.add(console("-serial", text)));
        List<ConsoleSettings> monitors = new ArrayList<>();
        given.all(Option.MONITOR).forEach(text -> monitors.add(console("-monitor", text)));
        given.all(Option.MON).forEach(text -> monitors.add(mon(text)));
        if (serials.size() > maxSerials) {
            throw new UserException("-serial: there are " + maxSerials + " serial ports at most");
        }
        defaults(serials, monitors);
        return new VmSettings.Consoles(chardevs, serials, monitors);
    }

    private static ConsoleSettings console(String option, String text) {
        String words = option + " " + text;
        if (text.equals("none")) {
            return new ConsoleSettings.None();
        }
        if (text.startsWith("chardev:")) {
            return new ConsoleSettings.Referred(words, text.substring("chardev:".length()));
        }
        if (text.startsWith("mon:")) {
            return new ConsoleSettings.WithMonitor(words, ChardevSyntax.shortForm(option, text.substring(4), false));
        }
        return new ConsoleSettings.Own(words, ChardevSyntax.shortForm(option, text, true));
    }

    private static ConsoleSettings mon(String text) {
        OptionList list = OptionList.parse("-mon", text, "chardev");
        ConsoleSettings monitor = new ConsoleSettings.Referred("-mon " + text, list.required("chardev"));
        if (!list.oneOf("mode", "readline", "readline", "control").equals("readline")) {
            throw list.refuse("there is no QMP yet: mode=readline");
        }
        list.end();
        return monitor;
    }

    /**
     * As QEMU's -nographic, which is also what happens without -display, as there is none: serial port and monitor share
     * the terminal, or one has it where the other is given.
     */
    private void defaults(List<ConsoleSettings> serials, List<ConsoleSettings> monitors) {
        if (given.has(Option.NODEFAULTS)) {
            return;
        }
        boolean terminal = given.has(Option.NOGRAPHIC) || !given.has(Option.DISPLAY);
        boolean shared = serials.stream().anyMatch(ConsoleSettings.WithMonitor.class::isInstance);
        boolean noSerial = serials.isEmpty();
        boolean noMonitor = monitors.isEmpty() && !shared;
        if (!terminal) {
            if (noSerial) {
                serials.add(new ConsoleSettings.Own("-serial null", new ChardevSpec.Null()));
            }
        } else if (noSerial && noMonitor) {
            serials.add(new ConsoleSettings.WithMonitor("-serial mon:stdio", new ChardevSpec.Stdio(false)));
        } else if (noSerial) {
            serials.add(new ConsoleSettings.Own("-serial stdio", new ChardevSpec.Stdio(true)));
        } else if (noMonitor && given.has(Option.NOGRAPHIC)) {
            monitors.add(new ConsoleSettings.Own("-monitor stdio", new ChardevSpec.Stdio(true)));
        }
    }
}
