package org.jkvm.app.chardev;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.util.Optional;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.linux.Signals;
import org.jkvm.linux.Terminal;

/**
 * Standard input and output. A terminal is raw from {@link #connect} to {@link #close}, and closing also happens when
 * the process ends, however it ends but by SIGKILL. Coming back from the background (SIGCONT) makes it raw again.
 */
public final class StdioBackend implements CharacterBackend {
    private final FileInputStream in = new FileInputStream(FileDescriptor.in);
    private final FileOutputStream out = new FileOutputStream(FileDescriptor.out);
    private final Optional<Terminal> terminal = Terminal.of(0);
    private final OutputQueue output = new OutputQueue("stdio", out::write);
    private final boolean signals;
    private final Thread hook = new Thread(this::restore, "terminal-restore");
    private volatile boolean raw;

    /**
     * Takes standard input and output.
     *
     * @param signals whether Ctrl-C still raises SIGINT while the terminal is raw
     */
    public StdioBackend(boolean signals) {
        this.signals = signals;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        output.write(bytes, offset, length);
    }

    @Override
    public void connect(Receiver receiver) {
        Runtime.getRuntime().addShutdownHook(hook);
        makeRaw();
        Signals.handle("CONT", this::makeRaw);
        new InputPump(in::read, receiver).start("stdio");
    }

    private synchronized void makeRaw() {
        raw = true;
        terminal.ifPresent(t -> t.raw(signals));
    }

    private synchronized void restore() {
        if (raw) {
            raw = false;
            terminal.ifPresent(Terminal::restore);
        }
    }

    @Override
    public void close() {
        output.close();
        restore();
    }
}
