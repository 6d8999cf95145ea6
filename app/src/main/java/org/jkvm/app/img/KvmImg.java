package org.jkvm.app.img;

import java.io.PrintStream;
import java.util.List;
import java.util.stream.Stream;
import org.jkvm.app.Version;
import org.jkvm.app.cli.Suggestion;
import org.jkvm.base.HostException;
import org.jkvm.base.UserException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The kvm-img command: makes, examines and changes virtual hard disks. Names, meanings and exit statuses are qemu-img's. */
@Command(name = "kvm-img", description = "Makes, examines and changes virtual hard disks.", sortOptions = false,
        synopsisSubcommandLabel = "COMMAND")
public final class KvmImg {
    @CommandLine.Option(names = {"-h", "-help", "--help"}, usageHelp = true, description = "Shows this help.")
    private boolean help;

    @CommandLine.Option(names = {"-V", "-version", "--version"}, versionHelp = true, description = "Shows the version.")
    private boolean version;

    /** What the commands print to. */
    private final PrintStream out;

    private KvmImg(PrintStream out) {
        this.out = out;
    }

    /** Runs the command and ends the process with its exit status. */
    public static void main(String[] words) {
        int status = run(words, System.out, System.err);
        System.out.flush();
        Runtime.getRuntime().exit(status);
    }

    /** Runs the command; returns its exit status: 0, 1 for any failure, more for {@code check} and {@code compare}. */
    public static int run(String[] words, PrintStream out, PrintStream err) {
        KvmImg command = new KvmImg(out);
        CommandLine line = new CommandLine(command)
                .addSubcommand(new CreateCommand(out))
                .addSubcommand(new InfoCommand(out))
                .addSubcommand(new CheckCommand(out, err))
                .addSubcommand(new CompareCommand(out))
                .addSubcommand(new ConvertCommand(out, err))
                .addSubcommand(new MapCommand(out))
                .addSubcommand(new MeasureCommand(out))
                .addSubcommand(new ResizeCommand(out));
        // A size to take away begins with a minus sign, as options do.
        line.getSubcommands().get("resize").setUnmatchedOptionsArePositionalParams(true);
        try {
            return command.run(line, words);
        } catch (ParameterException e) {
            err.println("kvm-img: " + explain(e));
        } catch (UserException e) {
            err.println("kvm-img: " + e.getMessage());
            return e.exitStatus();
        } catch (HostException e) {
            err.println("kvm-img: " + e.getMessage());
        }
        return UserException.FAILED;
    }

    private int run(CommandLine line, String... words) {
        CommandLine.ParseResult parsed = line.parseArgs(words);
        CommandLine last = parsed.asCommandLineList().getLast();
        if (last.isUsageHelpRequested()) {
            last.usage(out);
            return 0;
        }
        if (last.isVersionHelpRequested()) {
            out.println(Version.text());
            return 0;
        }
        if (last.getCommand() instanceof ImageCommand command) {
            return command.run();
        }
        throw new UserException("no command given; the commands are " + String.join(", ", line.getSubcommands().keySet()));
    }

    /** One line for what picocli did not understand. */
    private static String explain(ParameterException e) {
        CommandLine line = e.getCommandLine();
        if (e instanceof UnmatchedArgumentException unmatched && !unmatched.getUnmatched().isEmpty()) {
            String word = unmatched.getUnmatched().getFirst();
            return word.startsWith("-") ? "unknown option '" + word + "'" + Suggestion.hint(word, options(line))
                    : unexpected(line, word);
        }
        return e.getMessage().lines().findFirst().orElse("wrong arguments");
    }

    private static String unexpected(CommandLine line, String word) {
        List<String> commands = List.copyOf(line.getSubcommands().keySet());
        return commands.isEmpty() ? "unexpected argument '" + word + "'"
                : "unknown command '" + word + "'; the commands are " + String.join(", ", commands)
                + Suggestion.hint(word, commands);
    }

    private static List<String> options(CommandLine line) {
        return line.getCommandSpec().options().stream().flatMap(o -> Stream.of(o.names())).toList();
    }
}
