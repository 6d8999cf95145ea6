package org.jkvm.x86.translate;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jkvm.x86.isa.Insn;

/** What a vCPU's translator did so far, for {@code info jit}. Written by the vCPU's thread; others read what they get. */
public final class Counters {
    private final Map<String, long[]> steps = new ConcurrentHashMap<>();
    final long[] exits = new long[ExitReason.values().length];
    long dropped;
    private long blocks;
    private long insns;
    private long bytes;
    private long nanoseconds;

    void translated(int newInsns, int newBytes, long took) {
        blocks++;
        insns += newInsns;
        bytes += newBytes;
        nanoseconds += took;
    }

    void stepped(Insn i) {
        String name = i.row == null ? "undefined" : i.row.mnemonic();
        long[] count = steps.get(name);
        if (count == null) {
            count = new long[1];
            steps.put(name, count);
        }
        count[0]++;
    }

    /** A report of some lines. */
    public String report() {
        StringBuilder text = new StringBuilder();
        text.append("translated blocks ").append(blocks).append(", instructions ").append(insns).append(", bytes ").append(bytes)
                .append(", milliseconds ").append(nanoseconds / 1_000_000).append(", dropped ").append(dropped).append('\n');
        for (ExitReason reason : ExitReason.values()) {
            text.append("exits ").append(reason).append(' ').append(exits[reason.ordinal()]).append('\n');
        }
        mostStepped().forEach(line -> text.append("interpreted ").append(line).append('\n'));
        return text.toString();
    }

    private List<String> mostStepped() {
        return steps.entrySet().stream().sorted((a, b) -> Long.compare(b.getValue()[0], a.getValue()[0])).limit(25)
                .map(e -> e.getKey() + " " + e.getValue()[0]).toList();
    }
}
