package org.jkvm.app.img;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jkvm.app.cli.Page;

/**
 * What one command takes, declared a line an option: the command line is read by it and the manual page made from it.
 * Options are qemu-img's, written as getopt_long(3) has it.
 */
final class Syntax {
    /** An option; {@code argument} is null where it takes none. */
    record Entry(List<String> names, String argument, String description) {
        boolean takesArgument() {
            return argument != null;
        }

        /** The name that programs ask for. */
        String key() {
            return names.getFirst();
        }
    }

    private final String command;
    private final String operands;
    private final List<String> summary;
    private final List<Entry> entries = new ArrayList<>();
    private String examples = "";

    private Syntax(String command, String operands, String... summary) {
        this.command = command;
        this.operands = operands;
        this.summary = List.of(summary);
    }

    /** A command, what it takes beside options, and what it does: a sentence, then paragraphs. */
    static Syntax of(String command, String operands, String... summary) {
        return new Syntax(command, operands, summary).flag("-h -help --help", "Shows this page.");
    }

    /** An option without argument; {@code names} are separated by blanks, the first is its key. */
    Syntax flag(String names, String description) {
        return value(names, null, description);
    }

    /** An option with an argument. */
    Syntax value(String names, String argument, String description) {
        entries.add(new Entry(Arrays.asList(names.split(" ")), argument, description));
        return this;
    }

    /** Several at once. */
    Syntax with(List<Entry> others) {
        entries.addAll(others);
        return this;
    }

    /** Lines that show the command in use. */
    Syntax examples(String... lines) {
        examples = String.join("\n", lines);
        return this;
    }

    String command() {
        return command;
    }

    /** What the command does, in one sentence. */
    String summary() {
        return summary.getFirst();
    }

    List<Entry> entries() {
        return entries;
    }

    /** Every name of every option. */
    List<String> names() {
        return entries.stream().flatMap(e -> e.names().stream()).toList();
    }

    /** The command with all that it takes, in one line. */
    String synopsis() {
        StringBuilder line = new StringBuilder("kvm-img ").append(command);
        for (Entry e : entries.subList(1, entries.size())) {
            line.append(" [").append(e.key()).append(e.takesArgument() ? " " + e.argument() : "").append(']');
        }
        return line.append(operands.isEmpty() ? "" : " " + operands).toString();
    }

    /** The manual page. */
    String page() {
        Page page = new Page().heading("NAME").paragraph("kvm-img " + command + " - " + title()).gap();
        page.heading("SYNOPSIS").synopsis(synopsis()).gap().heading("DESCRIPTION");
        summary.forEach(page::paragraph);
        page.gap().heading("OPTIONS");
        entries.stream().skip(1).forEach(e -> entry(page, e));
        entry(page, entries.getFirst());
        if (!examples.isEmpty()) {
            page.gap().heading("EXAMPLES").verbatim(examples.indent(4));
        }
        return page.toString();
    }

    private static void entry(Page page, Entry e) {
        page.entry(String.join(", ", e.names()) + (e.takesArgument() ? " " + e.argument() : ""), e.description());
    }

    /** The first sentence as manual pages have it: no capital, no full stop. */
    String title() {
        String first = summary();
        String body = first.endsWith(".") ? first.substring(0, first.length() - 1) : first;
        return Character.toLowerCase(body.charAt(0)) + body.substring(1);
    }
}
