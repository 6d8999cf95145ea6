package org.jkvm.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jkvm.app.demo.GuestConsole.GuestFailure;
import org.jkvm.bench.Agent.Outcome;
import org.jkvm.bench.Engine.Settings;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Runs the workload's programs in turn in a guest under kvm, in the same guest under QEMU's software engine, and on the
 * host; or measures how long guests take to start. Both machines are there all the time, and idle but for the one that is asked.
 */
@Command(name = "testing/bench/run", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Measures guests under kvm beside QEMU's software engine and the host itself. The table goes to "
                + "standard output, as Markdown; what happens meanwhile to standard error.")
public final class Bench implements Callable<Integer> {
    @Option(names = "--programs", split = ",", paramLabel = "NAME", description = "Only these; --list names them.")
    private List<String> names = List.of();
    @Option(names = "--list", description = "List the programs and leave.")
    private boolean list;
    @Option(names = "--engines", split = ",", paramLabel = "NAME", description = "Of ${DEFAULT-VALUE}.",
            defaultValue = "kvm,qemu,host")
    private List<String> engines;
    @Option(names = "--rounds", paramLabel = "N", description = "Medians of so many measurements (${DEFAULT-VALUE}).",
            defaultValue = "3")
    private int rounds;
    @Option(names = "--scale", paramLabel = "FACTOR", defaultValue = "1",
            description = "So much of each program's work: 1 is one to three seconds under QEMU.")
    private double scale;
    @Option(names = "--memory", paramLabel = "MIB", description = "Guest RAM (${DEFAULT-VALUE}).", defaultValue = "512")
    private int memory;
    @Option(names = "--smp", paramLabel = "N", description = "vCPUs (${DEFAULT-VALUE}).", defaultValue = "1")
    private int processors;
    @Option(names = "--kvm", split = " ", paramLabel = "OPTIONS", description = "More options for kvm, in one word.")
    private List<String> kvmOptions = List.of();
    @Option(names = "--qemu", split = " ", paramLabel = "OPTIONS", description = "More options for QEMU, in one word.")
    private List<String> qemuOptions = List.of();
    @Option(names = "--limit", paramLabel = "SECONDS", description = "How long a program may take (${DEFAULT-VALUE}).",
            defaultValue = "600")
    private int limit;
    @Option(names = "--boot", description = "Measure the time from the command to the shell's prompt, and memory.")
    private boolean boot;
    @Option(names = "--soak", paramLabel = "MINUTES",
            description = "Run the programs in one guest under kvm for so long, and see that it does not grow.")
    private int soak;

    private final Path root = Path.of(System.getProperty("jkvm.root"));
    private final Table table = new Table();

    /** The command. */
    public static void main(String[] args) {
        System.exit(new CommandLine(new Bench()).execute(args));
    }

    @Override
    public Integer call() throws IOException, InterruptedException, GuestFailure {
        if (list) {
            Program.ALL.forEach(p -> System.out.printf("%-12s %s%n", p.name(), p.what(scale)));
            return 0;
        }
        try (Workload workload = new Workload(root, Bench::say)) {
            if (boot) {
                new BootTime(workload, new Settings(memory, processors), machines(), rounds).print();
                return 0;
            }
            return soak > 0 ? soak(workload) : measure(workload, machines());
        }
    }

    private int soak(Workload workload) throws IOException, InterruptedException, GuestFailure {
        Path monitor = workload.monitor();
        List<String> words = new ArrayList<>(kvmOptions);
        words.addAll(List.of("-monitor", "unix:" + monitor + ",server=on,wait=off"));
        try (Agent agent = start(workload, Engine.kvm(root, words))) {
            Soak programs = new Soak(programs(workload), scale, memory);
            return programs.run(agent, monitor, Duration.ofMinutes(soak)) ? 0 : 1;
        }
    }

    private Agent start(Workload workload, Engine engine) throws IOException, InterruptedException, GuestFailure {
        List<String> disk = List.of("-drive", "file=" + workload.disk(engine.name()) + ",format=raw,if=virtio");
        Agent agent = new Agent(engine.name(), engine.start(new Settings(memory, processors), workload.linux().kernel(),
                workload.initrd(), disk), Duration.ofSeconds(limit));
        agent.awaitReady();
        say(engine.name() + " is ready");
        return agent;
    }

    private static void say(String line) {
        System.err.println(line);
    }

    private List<Engine> machines() {
        List<Engine> machines = new ArrayList<>();
        for (Engine engine : List.of(Engine.kvm(root, kvmOptions), Engine.qemu(qemuOptions))) {
            if (engines.contains(engine.name()) && engine.installed()) {
                machines.add(engine);
            } else if (engines.contains(engine.name())) {
                say("left out: " + engine.command().getFirst() + " is not installed");
            }
        }
        return machines;
    }

    private List<Program> programs(Workload workload) {
        for (String name : names) {
            if (Program.ALL.stream().noneMatch(p -> p.name().equals(name))) {
                throw new IllegalArgumentException("--programs " + name + ": there is no such program; --list names them");
            }
        }
        return Program.ALL.stream().filter(p -> names.isEmpty() ? processors > 1 || p.kind() != Program.Kind.THREADS
                        : names.contains(p.name()))
                .filter(p -> workload.compiled() || !p.kind().compiled()).toList();
    }

    private int measure(Workload workload, List<Engine> machines) throws IOException, InterruptedException, GuestFailure {
        List<Agent> agents = new ArrayList<>();
        try {
            for (Engine engine : machines) {
                agents.add(start(workload, engine));
            }
            if (engines.contains("host")) {
                agents.add(new Agent("host", workload.host(), Duration.ofSeconds(limit)));
                agents.getLast().awaitReady();
            }
            int differences = rounds(programs(workload), agents);
            System.out.print(table.markdown(scale));
            return differences == 0 ? 0 : 1;
        } finally {
            agents.forEach(Agent::close);
        }
    }

    private int rounds(List<Program> programs, List<Agent> agents) throws IOException, InterruptedException, GuestFailure {
        int differences = 0;
        for (int round = 0; round < rounds; round++) {
            for (Program program : programs) {
                differences += round(program, agents) ? 0 : 1;
            }
        }
        return differences;
    }

    /** One program by everyone who can; whether all came to the same result. */
    private boolean round(Program program, List<Agent> agents) throws IOException, InterruptedException, GuestFailure {
        Map<String, String> results = new LinkedHashMap<>();
        StringBuilder line = new StringBuilder(String.format("%-12s", program.name()));
        for (Agent agent : agents) {
            if (agent.engine().equals("host") && program.kind() == Program.Kind.DISK) {
                continue;
            }
            Outcome outcome = agent.run(program, program.amount(scale));
            table.add(program, agent.engine(), outcome.wall());
            results.put(agent.engine(), outcome.checksum());
            line.append(String.format(Locale.ROOT, "  %s %6.2f s (%6.2f)", agent.engine(), outcome.wall(), outcome.guest()));
        }
        boolean same = results.values().stream().distinct().count() <= 1;
        say(line + (same ? "" : "  RESULTS DIFFER: " + results));
        return same;
    }
}
