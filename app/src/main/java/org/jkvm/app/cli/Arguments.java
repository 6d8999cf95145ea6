package org.jkvm.app.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jkvm.base.UserException;

/** The command line, taken apart: which options were given, with which arguments. */
public final class Arguments {
    private static final String NO_FIRMWARE = "there is no firmware yet: boot a kernel with -kernel";
    private static final String NO_NETWORK = "there is no network yet";
    private static final String NO_DISPLAY = "there is no display yet";
    private static final String NO_SNAPSHOTS = "there are no snapshots and no migration yet";
    /** QEMU's options that people will try, and why they are refused. */
    private static final Map<String, String> NOT_YET = Map.ofEntries(
            Map.entry("-bios", NO_FIRMWARE), Map.entry("-boot", NO_FIRMWARE), Map.entry("-pflash", NO_FIRMWARE),
            Map.entry("-cdrom", "there is no CD-ROM drive yet"), Map.entry("-fda", "there is no floppy drive yet"),
            Map.entry("-daemonize", "a machine can't leave the terminal yet: use -display none and &"),
            Map.entry("-gdb", "there is no debugger stub yet"),
            Map.entry("-s", "there is no debugger stub yet"), Map.entry("-incoming", NO_SNAPSHOTS),
            Map.entry("-loadvm", NO_SNAPSHOTS), Map.entry("-netdev", NO_NETWORK),
            Map.entry("-qmp", "there is no QMP yet"), Map.entry("-spice", NO_DISPLAY),
            Map.entry("-usb", "there is no USB yet"), Map.entry("-vnc", NO_DISPLAY));

    private final Map<Option, List<String>> options = new EnumMap<>(Option.class);
    private final List<String> disks = new ArrayList<>();

    private Arguments() {
    }

    /**
     * Takes {@code words} apart. An option's argument is the next word whatever it begins with; two dashes do as well as
     * one. Behind a word that is just two dashes there are only disks.
     *
     * @throws UserException naming the word that is not understood
     */
    public static Arguments parse(String... words) {
        Arguments arguments = new Arguments();
        Iterator<String> rest = Arrays.asList(words).iterator();
        while (rest.hasNext()) {
            arguments.take(rest.next(), rest);
        }
        return arguments;
    }

    private void take(String word, Iterator<String> rest) {
        if (word.equals("--")) {
            rest.forEachRemaining(disks::add);
        } else if (word.startsWith("-")) {
            Option option = Option.named(word.startsWith("--") ? word.substring(1) : word).orElseThrow(() -> unknown(word));
            options.computeIfAbsent(option, _ -> new ArrayList<>()).add(argument(option, rest));
        } else {
            disks.add(word);
        }
    }

    private static String argument(Option option, Iterator<String> rest) {
        if (option.argument().isEmpty()) {
            return "";
        }
        if (!rest.hasNext()) {
            throw misuse(option.label() + ": requires an argument");
        }
        return rest.next();
    }

    private static UserException unknown(String word) {
        String name = word.startsWith("--") ? word.substring(1) : word;
        if (NOT_YET.containsKey(name)) {
            return misuse(name + ": " + NOT_YET.get(name));
        }
        List<String> names = Arrays.stream(Option.values()).flatMap(o -> o.names().stream()).toList();
        return misuse(word + ": invalid option" + Suggestion.nearest(name, names)
                .map(c -> "; did you mean " + c + "?").orElse(" (kvm -help lists them)"));
    }

    private static UserException misuse(String message) {
        return new UserException(message, UserException.USAGE);
    }

    /** Whether an option was given. */
    public boolean has(Option option) {
        return options.containsKey(option);
    }

    /** An option's last argument. */
    public Optional<String> last(Option option) {
        List<String> all = all(option);
        return all.isEmpty() ? Optional.empty() : Optional.of(all.getLast());
    }

    /** An option's arguments, in the order given. */
    public List<String> all(Option option) {
        return options.getOrDefault(option, List.of());
    }

    /** The words that are no options and no options' arguments: disks. */
    public List<String> disks() {
        return disks;
    }
}
