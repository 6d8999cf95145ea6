package org.jkvm.app.monitor;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jkvm.app.cli.Suggestion;
import org.jkvm.app.monitor.MonitorMachine.Action;
import org.jkvm.base.UserException;
import org.jkvm.hypervisor.x86.X86State;

/** The monitor's commands. Names and meanings are QEMU's. One thread at a time. */
final class Commands {
    private final MonitorMachine machine;
    private final String version;
    private final List<Action> commands = new ArrayList<>();
    private final List<MonitorMachine.Topic> topics = new ArrayList<>();
    private MemoryFormat lastFormat = MemoryFormat.FIRST;
    private int vcpu;

    Commands(MonitorMachine machine, String version) {
        this.machine = machine;
        this.version = version;
        commands.addAll(List.of(
                new Action("cont|c", "", "let the guest run", _ -> silently(machine::cont)),
                new Action("cpu", "index", "choose the vCPU that x and info registers look at", this::cpu),
                new Action("help|?", "[command]", "this help", this::help),
                new Action("info", "[subject]", "tell about the machine", this::info),
                new Action("nmi", "", "raise a non-maskable interrupt", _ -> silently(machine::nmi)),
                new Action("print|p", "expr", "show what an expression comes to; registers are $rip, $rsp, ...",
                        this::print),
                new Action("quit|q", "", "end the machine", _ -> silently(machine::quit)),
                new Action("stop|s", "", "stop the guest", _ -> silently(machine::stop)),
                new Action("system_powerdown", "", "press the power button", _ -> silently(machine::systemPowerdown)),
                new Action("system_reset", "", "reset the machine", _ -> silently(machine::systemReset)),
                new Action("x", "[/fmt] addr", "show memory at a linear address; fmt: count, x d u o c i, b h w g",
                        text -> memory(text, true)),
                new Action("xp", "[/fmt] addr", "show memory at a physical address", text -> memory(text, false))));
        commands.addAll(machine.commands());
        commands.sort(Comparator.comparing(Action::names));
        topics.add(new MonitorMachine.Topic("mem", "what the vCPU's page tables map",
                () -> Mappings.text(machine.registers(vcpu), machine.memory())));
        topics.add(new MonitorMachine.Topic("name", "the guest's name", () -> machine.name() + "\n"));
        topics.add(new MonitorMachine.Topic("registers", "the vCPU's registers ('cpu' chooses which)", this::registers));
        topics.add(new MonitorMachine.Topic("status", "whether the guest runs",
                () -> "VM status: " + machine.status() + "\n"));
        topics.add(new MonitorMachine.Topic("version", "what this is", () -> version + "\n"));
        topics.addAll(machine.topics());
        topics.sort(Comparator.comparing(MonitorMachine.Topic::name));
    }

    /** Carries out a line; returns what to show. */
    String run(String line) {
        String[] words = line.strip().split("(?=/)|\\s+", 2);
        if (words[0].isEmpty()) {
            return "";
        }
        String rest = words.length > 1 ? words[1].strip() : "";
        Optional<Action> command = commands.stream().filter(c -> c.is(words[0])).findFirst();
        if (command.isEmpty()) {
            return "unknown command: '" + words[0] + "'" + Suggestion.hint(words[0], names()) + "\n";
        }
        try {
            return command.get().run().apply(rest);
        } catch (UserException e) {
            return "Error: " + e.getMessage() + "\n";
        } catch (MonitorException e) {
            return e.getMessage() + "\nTry \"help " + words[0] + "\" for more information\n";
        }
    }

    /** What the last word of {@code start} may become. */
    List<String> candidates(String start) {
        String[] words = start.stripLeading().split("\\s+", -1);
        if (words.length == 1) {
            return names();
        }
        return words[0].equals("info") && words.length == 2 ? topics.stream().map(MonitorMachine.Topic::name).toList()
                : List.of();
    }

    private List<String> names() {
        return commands.stream().flatMap(c -> Stream.of(c.names().split("\\|"))).filter(n -> n.length() > 1 || n.equals("x"))
                .toList();
    }

    private static String silently(Runnable action) {
        action.run();
        return "";
    }

    private String help(String name) {
        StringBuilder text = new StringBuilder();
        commands.stream().filter(c -> name.isEmpty() || c.is(name)).forEach(c -> text.append(c.line()));
        return text.isEmpty() ? "unknown command: '" + name + "'\n" : text.toString();
    }

    private String info(String subject) {
        StringBuilder text = new StringBuilder();
        if (subject.isEmpty()) {
            topics.forEach(t -> text.append("info ").append(t.name()).append("  -- ").append(t.help()).append('\n'));
            return text.toString();
        }
        return topics.stream().filter(t -> t.name().equals(subject)).findFirst().map(t -> t.text().get())
                .orElseGet(() -> "unknown command: 'info " + subject + "'"
                        + Suggestion.hint(subject, topics.stream().map(MonitorMachine.Topic::name).toList()) + "\n");
    }

    private String cpu(String text) {
        long index = Expression.evaluate(text, new X86State());
        if (index < 0 || index >= machine.vcpus()) {
            throw new MonitorException("there are vCPUs 0 to " + (machine.vcpus() - 1));
        }
        vcpu = (int) index;
        return "";
    }

    private String registers() {
        return RegisterDump.text(vcpu, machine.registers(vcpu));
    }

    private String print(String text) {
        return "0x" + Long.toHexString(Expression.evaluate(text, machine.registers(vcpu))) + "\n";
    }

    private String memory(String text, boolean linear) {
        MemoryFormat format = new MemoryFormat(1, lastFormat.format(), lastFormat.size());
        String address = text;
        if (text.startsWith("/")) {
            String[] words = text.substring(1).split("\\s+", 2);
            format = MemoryFormat.parse(words[0], lastFormat);
            address = words.length > 1 ? words[1] : "";
        }
        if (address.isBlank()) {
            throw new MonitorException("address expected");
        }
        lastFormat = format;
        long at = Expression.evaluate(address.strip(), machine.registers(vcpu));
        return new MemoryView(machine, vcpu, linear).show(format, at);
    }
}
