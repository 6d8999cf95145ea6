package org.jkvm.app.img.resident;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;

/** What one command after another says, kept until it is done. For one thread at a time. */
final class Answer {
    /** The most that a command may say, in bytes: a launcher reads this in no time. */
    static final int MOST = 256 << 10;

    /** More was said than is kept, or something that a shell cannot hold. */
    static final class NotForAShell extends RuntimeException {
        private static final long serialVersionUID = 1;

        NotForAShell() {
            super(null, null, false, false);
        }
    }

    private static final class Kept extends OutputStream {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        @Override
        public void write(int b) {
            if (b == 0 || bytes.size() == MOST) {
                throw new NotForAShell();
            }
            bytes.write(b);
        }
    }

    private final Kept keptOut = new Kept();
    private final Kept keptErr = new Kept();
    private final PrintStream out;
    private final PrintStream err;

    Answer(Charset charset) {
        out = new PrintStream(keptOut, false, charset);
        err = new PrintStream(keptErr, false, charset);
    }

    PrintStream out() {
        return out;
    }

    PrintStream err() {
        return err;
    }

    /** Forgets what was said. */
    void clear() {
        keptOut.bytes.reset();
        keptErr.bytes.reset();
    }

    /** Sends a line with the exit status and how many bytes follow of each stream, and these. */
    void send(int status, OutputStream to) throws IOException {
        out.flush();
        err.flush();
        String sizes = keptOut.bytes.size() + " " + keptErr.bytes.size();
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes((status + " " + sizes + "\n").getBytes(StandardCharsets.US_ASCII));
        keptOut.bytes.writeTo(all);
        keptErr.bytes.writeTo(all);
        to.write(all.toByteArray());
    }
}
