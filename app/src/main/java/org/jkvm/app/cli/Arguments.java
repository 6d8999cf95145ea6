package org.jkvm.app.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jkvm.base.UserException;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParseResult;

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
            Map.entry("-enable-kvm", "/dev/kvm is not supported yet"), Map.entry("-gdb", "there is no debugger stub yet"),
            Map.entry("-s", "there is no debugger stub yet"), Map.entry("-incoming", NO_SNAPSHOTS),
            Map.entry("-loadvm", NO_SNAPSHOTS), Map.entry("-netdev", NO_NETWORK),
            Map.entry("-qmp", "there is no QMP yet"), Map.entry("-spice", NO_DISPLAY),
            Map.entry("-usb", "there is no USB yet"), Map.entry("-vnc", NO_DISPLAY));

    private final ParseResult result;

    private Arguments(ParseResult result) {
        this.result = result;
    }

    /**
     * Takes {@code words} apart. An option's argument is the next word whatever it begins with; two dashes do as well as
     * one.
     *
     * @throws UserException naming the word that is not understood
     */
    public static Arguments parse(String... words) {
        CommandLine line = new CommandLine(spec());
        line.setPosixClusteredShortOptionsAllowed(false).setExpandAtFiles(false).setAllowOptionsAsOptionParameters(true)
                .setUnmatchedOptionsArePositionalParams(false).setSeparator(" ").setOverwrittenOptionsAllowed(true)
                .setInterpolateVariables(false).setTrimQuotes(false);
        try {
            return new Arguments(line.parseArgs(words));
        } catch (CommandLine.MissingParameterException e) {
            throw misuse(e.getMissing().getFirst() instanceof OptionSpec o ? o.names()[0] + ": requires an argument"
                    : e.getMessage());
        } catch (CommandLine.UnmatchedArgumentException e) {
            throw unknown(e.getUnmatched().getFirst());
        } catch (CommandLine.ParameterException e) {
            throw misuse(e.getMessage());
        }
    }

    private static CommandSpec spec() {
        CommandSpec spec = CommandSpec.create();
        for (Option option : Option.values()) {
            spec.addOption(spec(option));
        }
        return spec.addPositional(PositionalParamSpec.builder().type(List.class).auxiliaryTypes(String.class).arity("0..*")
                .paramLabel("DISK").build());
    }

    private static OptionSpec spec(Option option) {
        String[] names = option.names().stream().flatMap(name -> Stream.of(name, "-" + name)).toArray(String[]::new);
        OptionSpec.Builder builder = OptionSpec.builder(names);
        return option.argument().isPresent()
                ? builder.type(List.class).auxiliaryTypes(String.class).arity("1").build()
                : builder.type(boolean.class).arity("0").build();
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
        return result.hasMatchedOption(option.label());
    }

    /** An option's last argument. */
    public Optional<String> last(Option option) {
        List<String> all = all(option);
        return all.isEmpty() ? Optional.empty() : Optional.of(all.getLast());
    }

    /** An option's arguments, in the order given. */
    public List<String> all(Option option) {
        return result.matchedOptionValue(option.label(), List.of());
    }

    /** The words that are no options and no options' arguments: disks. */
    public List<String> disks() {
        return new ArrayList<>(result.matchedPositionalValue(0, List.<String>of()));
    }
}
