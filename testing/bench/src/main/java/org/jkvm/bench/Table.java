package org.jkvm.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;

/** Seconds of programs by engine, as Markdown: medians, ratios, and geometric means of those. */
final class Table {
    private static final String KVM = "kvm";
    private static final String QEMU = "qemu";
    private static final String HOST = "host";

    private final Map<Program, Map<String, List<Double>>> seconds = new LinkedHashMap<>();

    /** Takes a measurement. */
    void add(Program program, String engine, double measured) {
        seconds.computeIfAbsent(program, _ -> new LinkedHashMap<>()).computeIfAbsent(engine, _ -> new ArrayList<>())
                .add(measured);
    }

    private OptionalDouble median(Program program, String engine) {
        List<Double> all = seconds.get(program).getOrDefault(engine, List.of());
        double[] sorted = all.stream().mapToDouble(d -> d).sorted().toArray();
        int middle = sorted.length / 2;
        return sorted.length == 0 ? OptionalDouble.empty()
                : OptionalDouble.of((sorted[middle] + sorted[(sorted.length - 1) / 2]) / 2);
    }

    private OptionalDouble ratio(Program program, String one, String other) {
        OptionalDouble a = median(program, one);
        OptionalDouble b = median(program, other);
        return a.isPresent() && b.isPresent() ? OptionalDouble.of(a.getAsDouble() / b.getAsDouble())
                : OptionalDouble.empty();
    }

    /** The geometric mean over all programs, or over those that compute. */
    private OptionalDouble mean(String one, String other, boolean computingOnly) {
        OptionalDouble logarithm = seconds.keySet().stream().filter(p -> !computingOnly || p.kind().computes())
                .map(p -> ratio(p, one, other)).filter(OptionalDouble::isPresent)
                .mapToDouble(r -> Math.log(r.getAsDouble())).average();
        return logarithm.isPresent() ? OptionalDouble.of(Math.exp(logarithm.getAsDouble())) : logarithm;
    }

    private static String cell(OptionalDouble value, String form) {
        return value.isPresent() ? String.format(Locale.ROOT, form, value.getAsDouble()) : "-";
    }

    /** All of it. */
    String markdown(double scale) {
        StringBuilder text = new StringBuilder("| | kvm, s | QEMU, s | host, s | kvm / QEMU | kvm / host | QEMU / host |\n"
                + "|---|---|---|---|---|---|---|\n");
        for (Program program : seconds.keySet()) {
            text.append("| ").append(program.what(scale));
            for (String engine : List.of(KVM, QEMU, HOST)) {
                text.append(" | ").append(cell(median(program, engine), "%.2f"));
            }
            ratios(text, ratio(program, KVM, QEMU), ratio(program, KVM, HOST), ratio(program, QEMU, HOST));
        }
        text.append("| geometric mean of all | | |");
        ratios(text, mean(KVM, QEMU, false), mean(KVM, HOST, false), mean(QEMU, HOST, false));
        text.append("| geometric mean of those that compute | | |");
        ratios(text, mean(KVM, QEMU, true), mean(KVM, HOST, true), mean(QEMU, HOST, true));
        return text.append(scaling()).toString();
    }

    private static void ratios(StringBuilder text, OptionalDouble... ratios) {
        for (OptionalDouble ratio : ratios) {
            text.append(" | ").append(cell(ratio, "%.2f"));
        }
        text.append(" |\n");
    }

    /** How much more two threads did than one in the same time, by engine. */
    private String scaling() {
        StringBuilder text = new StringBuilder();
        for (String engine : List.of(KVM, QEMU, HOST)) {
            OptionalDouble one = named("one-thread", engine);
            OptionalDouble two = named("two-threads", engine);
            if (one.isPresent() && two.isPresent()) {
                text.append(String.format(Locale.ROOT, "%nTwo threads do %.2f times the work of one: %s",
                        2 * one.getAsDouble() / two.getAsDouble(), engine));
            }
        }
        return text.append('\n').toString();
    }

    private OptionalDouble named(String name, String engine) {
        return seconds.keySet().stream().filter(p -> p.name().equals(name)).findFirst().map(p -> median(p, engine))
                .orElse(OptionalDouble.empty());
    }
}
