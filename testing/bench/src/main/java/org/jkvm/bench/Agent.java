package org.jkvm.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.regex.Matcher;
import org.jkvm.app.demo.GuestConsole;
import org.jkvm.app.demo.GuestConsole.GuestFailure;

/** Talks to {@code src/main/guest/agent.sh}, in a guest or on the host. */
final class Agent implements AutoCloseable {
    private static final Duration START = Duration.ofMinutes(5);

    private final String engine;
    private final GuestConsole console;
    private final Duration limit;

    /**
     * What came of a program.
     *
     * @param wall     seconds by the host's clock
     * @param guest    seconds by the guest's clock, or what the program said itself
     * @param checksum of what it wrote
     */
    record Outcome(double wall, double guest, String checksum) {
    }

    /**
     * Starts one.
     *
     * @param limit how long one program may take
     */
    Agent(String engine, ProcessBuilder command, Duration limit) throws IOException {
        this.engine = engine;
        this.limit = limit;
        console = new GuestConsole(command, null);
    }

    /** What runs it. */
    String engine() {
        return engine;
    }

    /** The process's number. */
    long pid() {
        return console.pid();
    }

    /** Waits until it can be asked. */
    void awaitReady() throws InterruptedException, GuestFailure {
        console.await("READY", START);
    }

    /** Runs a program. */
    Outcome run(Program program, int amount) throws IOException, InterruptedException, GuestFailure {
        console.type(program.name() + " " + amount);
        console.await("START " + program.name() + "\\R", limit);
        long start = System.nanoTime();
        console.await("STOP " + program.name() + "\\R", limit);
        double wall = (System.nanoTime() - start) / 1e9;
        Matcher line = console.await("BENCH " + program.name() + " (\\S+) (.*)\\R", limit);
        double guest = Double.parseDouble(line.group(1));
        return new Outcome(program.kind() == Program.Kind.RATE ? guest : wall, guest, line.group(2));
    }

    @Override
    public void close() {
        console.close();
    }
}
