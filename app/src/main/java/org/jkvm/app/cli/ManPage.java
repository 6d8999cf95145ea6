package org.jkvm.app.cli;

import java.util.Arrays;

/** The manual page that {@code kvm -help} shows, made from {@link Option}. */
public final class ManPage {
    private static final int WIDTH = 80;
    private static final int MARGIN = 4;
    private static final int HANGING = 8;
    private static final String HEAD = """
            NAME
                kvm - run a virtual machine

            SYNOPSIS
                kvm [OPTION...] [DISK]
                kvm demo [--check]

            DESCRIPTION
                Runs an unmodified PC guest in software. Options have QEMU's names and
                meanings. What is not listed here is not there yet, and refused by name.
                DISK is a hard disk, as with -hda.

                kvm demo fetches a Linux kernel and a small user land, makes a virtual hard
                disk and boots to a shell prompt: the place to start.

            """;
    private static final String TAIL = """
            KEYS
                Where the terminal is shared by the serial port and the monitor (-nographic,
                -serial mon:stdio), Ctrl-A is the escape:
                Ctrl-A h        help
                Ctrl-A x        exit
                Ctrl-A c        switch between serial port and monitor
                Ctrl-A b        send a break
                Ctrl-A t        timestamps on or off
                Ctrl-A s        write what the disks have cached
                Ctrl-A Ctrl-A   send Ctrl-A

            EXIT STATUS
                0   the guest powered off, or was asked to stop
                1   a file or value given was at fault, or the host said no
                2   the command line was at fault
                A guest that writes N to isa-debug-exit makes it 2N+1.

            EXAMPLES
                kvm -m 512 -kernel vmlinuz -initrd initrd.img -append console=ttyS0
                kvm -kernel vmlinuz -append "console=ttyS0 root=/dev/vda" -hda disk.qcow2
            """;

    private ManPage() {
    }

    /** The page. */
    public static String text() {
        StringBuilder page = new StringBuilder(HEAD).append("OPTIONS\n");
        for (Option.Section section : Option.Section.values()) {
            page.append("  ").append(section.title()).append('\n');
            Arrays.stream(Option.values()).filter(o -> o.section() == section && o.shown()).forEach(o -> entry(page, o));
            page.append('\n');
        }
        return page.append(TAIL).toString();
    }

    private static void entry(StringBuilder page, Option option) {
        String names = String.join(", ", option.names());
        wrap(page, names + option.argument().map(a -> " " + a).orElse(""), MARGIN, HANGING + MARGIN,
                "(?<=,)(?=\\S)|(?<=\\])(?=\\[)| ");
        wrap(page, option.description(), HANGING, HANGING, " ");
    }

    /** Appends {@code text} broken into lines at {@code breaks}, the first indented by one amount, the rest by another. */
    private static void wrap(StringBuilder page, String text, int first, int rest, String breaks) {
        StringBuilder line = new StringBuilder(" ".repeat(first));
        int empty = first;
        int at = 0;
        for (String word : text.split(breaks)) {
            at = text.indexOf(word, at);
            boolean spaced = at > 0 && text.charAt(at - 1) == ' ';
            at += word.length();
            if (line.length() + word.length() + 1 > WIDTH && line.length() > empty) {
                page.append(line).append('\n');
                line.setLength(0);
                line.append(" ".repeat(rest));
                empty = rest;
            }
            line.append(spaced && line.length() > empty ? " " : "").append(word);
        }
        page.append(line).append('\n');
    }
}
