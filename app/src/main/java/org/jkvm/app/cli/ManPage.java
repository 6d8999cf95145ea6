package org.jkvm.app.cli;

import java.util.Arrays;

/** The manual page that {@code kvm -help} shows, made from {@link Option}. */
public final class ManPage {
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
        Page page = new Page().verbatim(HEAD).heading("OPTIONS");
        for (Option.Section section : Option.Section.values()) {
            page.heading("  " + section.title());
            Arrays.stream(Option.values()).filter(o -> o.section() == section && o.shown()).forEach(o -> entry(page, o));
            page.gap();
        }
        return page.verbatim(TAIL).toString();
    }

    private static void entry(Page page, Option option) {
        page.entry(String.join(", ", option.names()) + option.argument().map(a -> " " + a).orElse(""),
                option.description());
    }
}
