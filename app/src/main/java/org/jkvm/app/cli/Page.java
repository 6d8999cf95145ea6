package org.jkvm.app.cli;

/** The lines of a manual page, at most 80 characters wide. */
public final class Page {
    private static final int WIDTH = 80;
    private static final int MARGIN = 4;
    private static final int HANGING = 8;
    /** Where a synopsis may be broken: at blanks, behind commas, between brackets. */
    private static final String PLACES = "(?<=,)(?=\\S)|(?<=\\])(?=\\[)| ";

    private final StringBuilder text = new StringBuilder();

    /** A heading. */
    public Page heading(String title) {
        text.append(title).append('\n');
        return this;
    }

    /** An empty line. */
    public Page gap() {
        text.append('\n');
        return this;
    }

    /** Text as it is. */
    public Page verbatim(String lines) {
        text.append(lines);
        return this;
    }

    /** A paragraph under a heading. */
    public Page paragraph(String words) {
        wrap(words, MARGIN, MARGIN, " ");
        return this;
    }

    /** A command with its arguments; what does not fit on a line hangs. */
    public Page synopsis(String words) {
        wrap(words, MARGIN, HANGING + MARGIN, PLACES);
        return this;
    }

    /** An option or a command, and what it does. */
    public Page entry(String names, String description) {
        wrap(names, MARGIN, HANGING + MARGIN, PLACES);
        wrap(description, HANGING, HANGING, " ");
        return this;
    }

    /** Appends {@code words} broken into lines at {@code breaks}, the first indented by one amount, the rest by another. */
    private void wrap(String words, int first, int rest, String breaks) {
        StringBuilder line = new StringBuilder(" ".repeat(first));
        int empty = first;
        int at = 0;
        for (String word : words.split(breaks)) {
            at = words.indexOf(word, at);
            boolean spaced = at > 0 && words.charAt(at - 1) == ' ';
            at += word.length();
            if (line.length() + word.length() + 1 > WIDTH && line.length() > empty) {
                text.append(line).append('\n');
                line.setLength(0);
                line.append(" ".repeat(rest));
                empty = rest;
            }
            line.append(spaced && line.length() > empty ? " " : "").append(word);
        }
        text.append(line).append('\n');
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
