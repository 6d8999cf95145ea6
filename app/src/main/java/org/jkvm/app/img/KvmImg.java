package org.jkvm.app.img;

import java.io.PrintStream;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.function.BiFunction;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import org.jkvm.app.Version;
import org.jkvm.app.cli.Page;
import org.jkvm.app.cli.Suggestion;
import org.jkvm.base.HostException;
import org.jkvm.base.UserException;
import org.jkvm.storage.nbd.NbdAddress;

/** The kvm-img command: makes, examines and changes virtual hard disks. Names, meanings and exit statuses are qemu-img's. */
public final class KvmImg {
    /** Every command, in the order of the manual page. */
    private enum Tool {
        AMEND(AmendCommand::syntax, AmendCommand::new),
        BENCH(BenchCommand::syntax, BenchCommand::new),
        BITMAP(BitmapCommand::syntax, BitmapCommand::new),
        CHECK(CheckCommand::syntax, CheckCommand::new),
        COMMIT(CommitCommand::syntax, CommitCommand::new),
        COMPARE(CompareCommand::syntax, CompareCommand::new),
        CONVERT(ConvertCommand::syntax, ConvertCommand::new),
        CREATE(CreateCommand::syntax, CreateCommand::new),
        DD(DdCommand::syntax, DdCommand::new),
        INFO(InfoCommand::syntax, InfoCommand::new),
        MAP(MapCommand::syntax, MapCommand::new),
        MEASURE(MeasureCommand::syntax, MeasureCommand::new),
        NBD(NbdCommand::syntax, NbdCommand::new),
        REBASE(RebaseCommand::syntax, RebaseCommand::new),
        RESIZE(ResizeCommand::syntax, ResizeCommand::new),
        SNAPSHOT(SnapshotCommand::syntax, SnapshotCommand::new);

        private final Supplier<Syntax> syntax;
        private final BiFunction<Words, Console, ImageCommand> maker;

        Tool(Supplier<Syntax> syntax, BiFunction<Words, Console, ImageCommand> maker) {
            this.syntax = syntax;
            this.maker = maker;
        }

        String label() {
            return name().toLowerCase(Locale.ROOT);
        }

        static Tool named(String word) {
            return Arrays.stream(values()).filter(t -> t.label().equals(word)).findFirst()
                    .orElseThrow(() -> new UserException("unknown command '" + word + "'; the commands are "
                            + String.join(", ", labels()) + Suggestion.hint(word, labels())));
        }

        static List<String> labels() {
            return Arrays.stream(values()).map(Tool::label).toList();
        }
    }

    private static final String TAIL = """

            EXIT STATUS
                0   done
                1   a file or value given was at fault, or the host said no; compare: they differ
                check and compare have more: see 'kvm-img check -h', 'kvm-img compare -h'.

            ENVIRONMENT
                JKVM_RESIDENT=0
                    Starts a JVM for every command. Otherwise, after two of check, info, map, measure and snapshot -l within a
                    minute, one stays to do these at once, until there was none for a minute.
                JAVA_HOME
                    The JDK, 25 or later, to run with.

            EXAMPLES
                kvm-img create -f qcow2 disk.qcow2 20G
                kvm-img convert -p -c -O qcow2 disk.raw disk.qcow2
                kvm-img info --output json disk.qcow2
            """;

    private KvmImg() {
    }

    /** Runs the command and ends the process with its exit status. */
    public static void main(String[] words) {
        int status = run(words, System.out, System.err);
        System.out.flush();
        if (status != 0) {
            // Not exit: that starts the JVM's logging, which takes as long as a small command. Nothing is left to be done.
            System.err.flush();
            Runtime.getRuntime().halt(status);
        }
    }

    /** Runs the command; returns its exit status: 0, 1 for any failure, more for {@code check} and {@code compare}. */
    public static int run(String[] words, PrintStream out, PrintStream err) {
        return complaining(err, () -> run(List.of(words), new Console(out, err)));
    }

    /**
     * The same where a command, written rightly, only looks at regular files and needs no secret; empty, and nothing has been
     * done, for any other.
     */
    public static OptionalInt look(List<String> words, PrintStream out, PrintStream err) {
        ImageCommand command;
        try {
            Tool tool = Tool.named(words.isEmpty() ? "" : words.getFirst());
            command = tool.maker.apply(Words.read(tool.syntax.get(), words.subList(1, words.size())), new Console(out, err));
            if (!command.looks()) {
                return OptionalInt.empty();
            }
        } catch (UserException _) {
            return OptionalInt.empty();
        }
        return OptionalInt.of(complaining(err, command::run));
    }

    private static int complaining(PrintStream err, IntSupplier work) {
        try {
            return work.getAsInt();
        } catch (UserException e) {
            err.println("kvm-img: " + NbdAddress.readable(e.getMessage()));
            return e.exitStatus();
        } catch (HostException e) {
            err.println("kvm-img: " + NbdAddress.readable(e.getMessage()));
            return UserException.FAILED;
        }
    }

    private static int run(List<String> words, Console console) {
        if (words.isEmpty()) {
            throw new UserException("no command given; the commands are " + String.join(", ", Tool.labels()));
        }
        return switch (words.getFirst()) {
            case "-h", "-help", "--help" -> print(console, page());
            case "-V", "-version", "--version" -> print(console, Version.text() + "\n");
            default -> run(Tool.named(words.getFirst()), words.subList(1, words.size()), console);
        };
    }

    private static int run(Tool tool, List<String> words, Console console) {
        Syntax syntax = tool.syntax.get();
        Words given = Words.read(syntax, words);
        return given.has("-h") ? print(console, syntax.page()) : tool.maker.apply(given, console).run();
    }

    private static int print(Console console, String text) {
        console.out().print(text);
        return 0;
    }

    private static String page() {
        Page page = new Page().heading("NAME").paragraph("kvm-img - make, examine and change virtual hard disks").gap();
        page.heading("SYNOPSIS").synopsis("kvm-img COMMAND [OPTION...] FILE...").synopsis("kvm-img COMMAND -h").gap();
        page.heading("DESCRIPTION").paragraph("A virtual hard disk is a file. Commands, options, exit statuses and what"
                + " programs read (--output=json) are qemu-img's; so are the files.").gap();
        page.heading("COMMANDS");
        Arrays.stream(Tool.values()).map(t -> t.syntax.get()).forEach(s -> page.entry(s.command(), s.title()));
        return page.verbatim(TAIL).toString();
    }
}
