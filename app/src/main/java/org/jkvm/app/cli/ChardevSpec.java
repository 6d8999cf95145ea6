package org.jkvm.app.cli;

import java.net.SocketAddress;
import java.nio.file.Path;

/** A character device as the user described it. */
public sealed interface ChardevSpec {
    /** Nothing: output is dropped. */
    record Null() implements ChardevSpec {
    }

    /** Standard input and output; {@code signal}: whether Ctrl-C still interrupts. */
    record Stdio(boolean signal) implements ChardevSpec {
    }

    /** A file for the output. */
    record File(Path path, boolean append) implements ChardevSpec {
    }

    /** A pseudo-terminal. */
    record Pty() implements ChardevSpec {
    }

    /** A server that listens; {@code await}: the machine starts when the first peer has come. */
    record Server(SocketAddress address, boolean await) implements ChardevSpec {
    }

    /** A client; {@code reconnect}: seconds between attempts, or 0 for a single one. */
    record Client(SocketAddress address, int reconnect) implements ChardevSpec {
    }

    /**
     * A named one.
     *
     * @param id  what -serial, -mon and -device call it
     * @param mux whether several may share it
     */
    record Named(String id, ChardevSpec spec, boolean mux) {
    }
}
