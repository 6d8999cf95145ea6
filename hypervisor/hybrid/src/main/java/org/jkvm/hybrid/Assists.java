package org.jkvm.hybrid;

import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Collectors;
import org.jkvm.x86.disasm.Disassembler;

/** How often the software engine stepped in, and where it took turns with the hardware, by instruction. Any thread. */
public final class Assists {
    private static final System.Logger LOG = System.getLogger(Assists.class.getName());

    private final Map<String, LongAdder> counts = new ConcurrentSkipListMap<>();
    private final Map<String, LongAdder> turns = new ConcurrentSkipListMap<>();

    /** Counts {@code code}, of {@code bits} bits, which KVM could not execute; the first of its kind is logged. */
    void count(byte[] code, int bits) {
        counts.computeIfAbsent(mnemonic(code, bits), name -> {
            LOG.log(System.Logger.Level.INFO, "this host''s KVM lacks {0}: the software engine executes it", name);
            return new LongAdder();
        }).increment();
    }

    /** Counts a turn of the hardware's, for an instruction of kind {@code kind} that its chip is needed for. */
    void turn(String kind) {
        turns.computeIfAbsent(kind, _ -> new LongAdder()).increment();
    }

    /** What an instruction is called. */
    static String mnemonic(byte[] code, int bits) {
        if (code.length == 0) {
            return "(unknown)";
        }
        String[] words = new Disassembler(bits).disassemble(code, 0, code.length, 0).text().split("\\s+");
        boolean prefixed = words.length > 1 && (words[0].equals("lock") || words[0].startsWith("rep"));
        return prefixed ? words[0] + " " + words[1] : words[0];
    }

    /** Assists so far. */
    public long total() {
        return counts.values().stream().mapToLong(LongAdder::sum).sum();
    }

    /** On one line each: how many, by instruction, most of them first; nothing where there were none. */
    public String describe() {
        String text = counts.isEmpty() ? "" : "software assists: %d: %s%n".formatted(total(), list(counts));
        return text + (turns.isEmpty() ? "" : "KVM's turns, for what its chip is needed for: %d: %s%n".formatted(
                turns.values().stream().mapToLong(LongAdder::sum).sum(), list(turns)));
    }

    private static String list(Map<String, LongAdder> counts) {
        return counts.entrySet().stream().sorted((a, b) -> Long.compare(b.getValue().sum(), a.getValue().sum()))
                .map(e -> e.getKey() + " " + e.getValue().sum()).collect(Collectors.joining(", "));
    }
}
