package org.jkvm.x86.translate;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import org.jkvm.x86.exec.Block;

/** What {@code -d in_asm,out_asm,exec} asks for: translations as text, and when they run. */
final class CodeLog {
    private final Logger guest = logger("in_asm");
    private final Logger host = logger("out_asm");
    private final Logger runs = logger("exec");
    private final boolean logsGuest = guest.isLoggable(Level.DEBUG);
    private final boolean logsHost = host.isLoggable(Level.DEBUG);
    private final boolean logsRuns = runs.isLoggable(Level.DEBUG);
    private final CodeText text;

    CodeLog(CodeText text) {
        this.text = text;
    }

    private static Logger logger(String item) {
        return System.getLogger(NativeCode.LOG + item);
    }

    /** Whether each run is wanted: then blocks must not jump to each other unseen. */
    boolean logsRuns() {
        return logsRuns;
    }

    /** {@code t} was made. */
    void translated(Translation t) {
        if (logsGuest) {
            guest.log(Level.DEBUG, () -> text.guest(t.block));
        }
        if (logsHost) {
            host.log(Level.DEBUG, () -> text.host(t));
        }
    }

    /** {@code block} is about to run. */
    void runs(Block block) {
        if (logsRuns) {
            runs.log(Level.DEBUG, () -> "exec %x".formatted(block.linear));
        }
    }
}
