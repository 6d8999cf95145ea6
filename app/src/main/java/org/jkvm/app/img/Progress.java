package org.jkvm.app.img;

import java.io.PrintStream;
import java.util.Locale;

/** The line that {@code -p} shows and overwrites. For one thread at a time. */
final class Progress {
    private final PrintStream out;
    private final boolean shown;
    private long lastStep = -1;

    Progress(PrintStream out, boolean shown) {
        this.out = out;
        this.shown = shown;
        show(0, 1);
    }

    /** So much of so much is done. */
    void show(long done, long all) {
        double percent = all == 0 ? 100 : 100.0 * done / all;
        long step = (long) (percent);
        if (shown && step != lastStep) {
            lastStep = step;
            out.printf(Locale.ROOT, "    (%3.2f/100%%)\r", percent);
            out.flush();
        }
    }

    /** All is done. */
    void end() {
        show(1, 1);
        if (shown) {
            out.println();
        }
    }
}
