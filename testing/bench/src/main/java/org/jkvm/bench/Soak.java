package org.jkvm.bench;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jkvm.app.demo.GuestConsole.GuestFailure;
import org.jkvm.bench.Agent.Outcome;

/**
 * All programs in one guest, again and again: each must come to the same result every time, and the process must not grow.
 * Prints what it has of the host's memory after every round, and at the end what {@code info jit} says.
 */
final class Soak {
    private static final String PROMPT = "(kvm) ";
    /** Growth in the second half that is taken for a leak, MiB: the heap's own comings and goings are below. */
    private static final double MOST_GROWTH = 64;

    private final List<Program> programs;
    private final double scale;
    private final int memory;
    private final Map<Program, String> results = new HashMap<>();
    private final List<Double> residences = new ArrayList<>();

    Soak(List<Program> programs, double scale, int memory) {
        this.programs = programs;
        this.scale = scale;
        this.memory = memory;
    }

    /**
     * Runs rounds until {@code length} is over.
     *
     * @param monitor the machine's monitor, a unix socket
     * @return whether all results were the same and the process did not grow
     */
    boolean run(Agent agent, Path monitor, Duration length) throws IOException, InterruptedException, GuestFailure {
        long end = System.nanoTime() + length.toNanos();
        boolean same = true;
        for (int round = 1; System.nanoTime() < end; round++) {
            long start = System.nanoTime();
            for (Program program : programs) {
                same &= same(program, agent.run(program, program.amount(scale)));
            }
            residences.add(Residence.of(agent.pid(), memory).own());
            System.out.printf(Locale.ROOT, "round %d: %.0f s, %.0f MiB beside guest RAM%n", round,
                    (System.nanoTime() - start) / 1e9, residences.getLast());
        }
        System.out.println(command(monitor, "info jit"));
        double growth = residences.getLast() - residences.get(residences.size() / 2);
        System.out.printf(Locale.ROOT, "grown by %.0f MiB in the second half%n", growth);
        return same && growth <= MOST_GROWTH;
    }

    private boolean same(Program program, Outcome outcome) {
        String before = results.putIfAbsent(program, outcome.checksum());
        boolean same = before == null || before.equals(outcome.checksum());
        if (!same) {
            System.out.printf("%s: %s, was %s%n", program.name(), outcome.checksum(), before);
        }
        return same;
    }

    private static String command(Path socket, String command) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            read(channel);
            channel.write(ByteBuffer.wrap((command + "\n").getBytes(StandardCharsets.US_ASCII)));
            return read(channel).replace(PROMPT, "").replace("\r", "").strip();
        }
    }

    /** What comes until the next prompt. */
    private static String read(SocketChannel channel) throws IOException {
        StringBuilder text = new StringBuilder();
        ByteBuffer bytes = ByteBuffer.allocate(4096);
        while (text.indexOf(PROMPT) < 0 && channel.read(bytes) >= 0) {
            text.append(StandardCharsets.ISO_8859_1.decode(bytes.flip()));
            bytes.clear();
        }
        return text.toString();
    }
}
