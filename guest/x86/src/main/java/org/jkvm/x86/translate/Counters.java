package org.jkvm.x86.translate;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.isa.OpcodeTable;
import org.jkvm.x86.isa.Row;

/** What a vCPU's translator did so far, for {@code info jit}. Written by the vCPU's thread; others read what they get. */
public final class Counters {
    private static final int UNDEFINED = OpcodeTable.x86().rows().size();
    private final long[] steps = new long[UNDEFINED + 1];
    final long[] exits = new long[ExitReason.values().length];
    long dropped;
    private long blocks;
    private long copies;
    private long insns;
    private long bytes;
    private long nanoseconds;

    void translated(Translation t, boolean copied, long took) {
        blocks++;
        copies += copied ? 1 : 0;
        insns += t.block.insns.length;
        bytes += t.size;
        nanoseconds += took;
    }

    void stepped(Insn i) {
        steps[i.row == null ? UNDEFINED : i.row.number()]++;
    }

    /** A report of some lines. */
    public String report() {
        StringBuilder text = new StringBuilder();
        text.append("translated blocks %d, copied %d, instructions %d, bytes %d, milliseconds %d, dropped %d\n"
                .formatted(blocks, copies, insns, bytes, nanoseconds / 1_000_000, dropped));
        for (ExitReason reason : ExitReason.values()) {
            text.append("exits ").append(reason).append(' ').append(exits[reason.ordinal()]).append('\n');
        }
        mostStepped().forEach(line -> text.append("interpreted ").append(line).append('\n'));
        return text.toString();
    }

    private List<String> mostStepped() {
        Map<String, Long> sums = new TreeMap<>();
        for (Row row : OpcodeTable.x86().rows()) {
            sums.merge(row.mnemonic(), steps[row.number()], Long::sum);
        }
        sums.put("undefined", steps[UNDEFINED]);
        return sums.entrySet().stream().filter(e -> e.getValue() != 0).sorted(Map.Entry.<String, Long>comparingByValue().reversed())
                .limit(25).map(e -> e.getKey() + " " + e.getValue()).toList();
    }
}
