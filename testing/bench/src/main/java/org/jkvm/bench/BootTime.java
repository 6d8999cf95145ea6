package org.jkvm.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jkvm.app.demo.GuestConsole;
import org.jkvm.app.demo.GuestConsole.GuestFailure;
import org.jkvm.bench.Engine.Settings;

/** From the command to the guest's shell prompt, and what the process then has of the host's memory. */
final class BootTime {
    private static final Duration LIMIT = Duration.ofMinutes(10);
    private static final Duration SETTLING = Duration.ofSeconds(1);

    private final Workload workload;
    private final Settings settings;
    private final List<Engine> engines;
    private final int rounds;
    private final Map<Engine, List<Start>> starts = new LinkedHashMap<>();

    /**
     * A start.
     *
     * @param wall      seconds to the prompt
     * @param processor seconds of processor time to the prompt
     * @param residence memory a second later
     */
    private record Start(double wall, double processor, Residence residence) {
    }

    BootTime(Workload workload, Settings settings, List<Engine> engines, int rounds) {
        this.workload = workload;
        this.settings = settings;
        this.engines = engines;
        this.rounds = rounds;
    }

    /** Measures in turn, and prints the table. */
    void print() throws IOException, InterruptedException, GuestFailure {
        for (int round = 0; round < rounds; round++) {
            for (Engine engine : engines) {
                Start start = start(engine, workload.linux().kernel());
                starts.computeIfAbsent(engine, _ -> new ArrayList<>()).add(start);
                System.err.printf(Locale.ROOT, "%-5s %.2f s (processor %.2f s), %.0f MiB beside guest RAM%n", engine.name(),
                        start.wall, start.processor, start.residence.own());
            }
        }
        System.out.println("| | to the prompt, s | processor time, s | MiB beside guest RAM |\n|---|---|---|---|");
        starts.forEach((engine, all) -> System.out.printf(Locale.ROOT, "| %s | %.2f | %.2f | %.0f |%n", engine.name(),
                median(all.stream().map(Start::wall).toList()), median(all.stream().map(Start::processor).toList()),
                median(all.stream().map(s -> s.residence.own()).toList())));
    }

    private static double median(List<Double> values) {
        return values.stream().sorted().toList().get(values.size() / 2);
    }

    private Start start(Engine engine, Path kernel) throws IOException, InterruptedException, GuestFailure {
        ProcessBuilder command = engine.start(settings, kernel, workload.promptInitrd(), List.of());
        long start = System.nanoTime();
        try (GuestConsole console = new GuestConsole(command, null)) {
            console.await("prompt# ", LIMIT);
            double wall = (System.nanoTime() - start) / 1e9;
            double processor = console.processorTime().toNanos() / 1e9;
            Thread.sleep(SETTLING);
            return new Start(wall, processor, Residence.of(console.pid(), settings.memory()));
        }
    }
}
