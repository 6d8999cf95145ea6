package org.jkvm.app.chardev;

import java.io.IOException;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.linux.PseudoTerminal;

/** A pseudo-terminal: a terminal program on the host opens {@link #path}. */
public final class PtyBackend implements CharacterBackend {
    private static final int POLL_MILLIS = 200;
    private static final int FULL_MILLIS = 20;

    private final PseudoTerminal pty = PseudoTerminal.open();
    private final OutputQueue output = new OutputQueue("pty", this::writeAll);
    private volatile boolean closed;
    private volatile Thread reader;

    /** The device file of the other end. */
    public String path() {
        return pty.path();
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        output.write(bytes, offset, length);
    }

    @Override
    public void connect(Receiver receiver) {
        reader = new InputPump(this::read, receiver).start("pty");
    }

    private int read(byte[] bytes) {
        return closed ? -1 : pty.read(bytes, POLL_MILLIS);
    }

    /** Nobody at the other end may be reading: then this waits, and the queue behind it drops what is too much. */
    private void writeAll(byte[] bytes, int offset, int length) throws IOException {
        int done = 0;
        while (done < length && !closed) {
            int n = pty.write(bytes, offset + done, length - done);
            done += n;
            if (n == 0) {
                pause();
            }
        }
    }

    private static void pause() throws IOException {
        try {
            Thread.sleep(FULL_MILLIS);
        } catch (InterruptedException e) {
            throw new IOException("closed", e);
        }
    }

    @Override
    public void close() {
        output.close();
        closed = true;
        try {
            if (reader != null) {
                reader.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        pty.close();
    }
}
