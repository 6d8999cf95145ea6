package org.jkvm.hybrid;

import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Collectors;
import org.jkvm.x86.disasm.Disassembler;

/** How often the software engine stepped in, by instruction. Any thread. */
public final class Assists {
    private static final System.Logger LOG = System.getLogger(Assists.class.getName());

    private final Map<String, LongAdder> counts = new ConcurrentSkipListMap<>();
    private final LongAdder instructions = new LongAdder();

    /** Counts {@code code}, of {@code bits} bits, which KVM could not execute; the first of its kind is logged. */
    void count(byte[] code, int bits) {
        String kind = code.length == 0 ? "(unknown)" : mnemonic(code, bits);
        counts.computeIfAbsent(kind, name -> {
            LOG.log(System.Logger.Level.INFO, "this host''s KVM lacks {0}: the software engine executes it", name);
            return new LongAdder();
        }).increment();
    }

    /** Counts instructions that the software engine executed in one go. */
    void executed(long number) {
        instructions.add(number);
    }

    private static String mnemonic(byte[] code, int bits) {
        String[] words = new Disassembler(bits).disassemble(code, 0, code.length, 0).text().split("\\s+");
        boolean prefixed = words.length > 1 && (words[0].equals("lock") || words[0].startsWith("rep"));
        return prefixed ? words[0] + " " + words[1] : words[0];
    }

    /** Assists so far. */
    public long total() {
        return counts.values().stream().mapToLong(LongAdder::sum).sum();
    }

    /** On one line: how many, by instruction, most of them first; empty where there were none. */
    public String describe() {
        if (counts.isEmpty()) {
            return "";
        }
        return "software assists: " + total() + " (" + instructions.sum() + " instructions): "
                + counts.entrySet().stream().sorted((a, b) -> Long.compare(b.getValue().sum(), a.getValue().sum()))
                .map(e -> e.getKey() + " " + e.getValue().sum()).collect(Collectors.joining(", ")) + "\n";
    }
}
