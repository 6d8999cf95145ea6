package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * MSRs of one vCPU, many in one call. The kernel stops at the first that it does not have: such numbers are remembered, as
 * which ones there are depends on the host and on the processor's model.
 */
final class MsrTransfer {
    /** The deadline is set once the local APIC is in its mode. */
    private static final int TSC_DEADLINE = 0x6e0;
    /** Older numbers of the paravirtual clock's MSRs. */
    private static final Set<Integer> ALIASES = Set.of(0x11, 0x12);
    /** Registers that are exchanged in other structures: APIC base, EFER, FS base, GS base. */
    private static final Set<Integer> ELSEWHERE = Set.of(0x1b, 0xc000_0080, 0xc000_0100, 0xc000_0101);
    private final Handle vcpu;
    private final int[] numbers;
    private final Set<Integer> absent = new HashSet<>();
    private final Set<Integer> refused = new HashSet<>();
    private final MemorySegment buffer;

    /** A transfer of the MSRs that the kernel's list names and of those that it has beside. */
    MsrTransfer(Handle vcpu, int[] listed, Arena arena) {
        this.vcpu = vcpu;
        this.numbers = IntStream.concat(IntStream.of(listed), unlisted()).filter(n -> !ALIASES.contains(n)).distinct()
                .toArray();
        this.buffer = arena.allocate(Abi.Msrs.S.size() + 1024L * Abi.MsrEntry.S.size(), 8);
    }

    /** Memory type ranges, and machine check banks, which the kernel's list leaves out (SDM vol. 4, table 2-2). */
    private static IntStream unlisted() {
        IntStream ranges = IntStream.concat(IntStream.rangeClosed(0x200, 0x20f),
                IntStream.of(0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f, 0x2ff));
        return IntStream.concat(ranges, IntStream.range(0x400, 0x428));
    }

    /** Adds all of them to {@code values}. */
    void read(Map<Integer, Long> values) {
        int[] wanted = IntStream.of(numbers).filter(n -> !absent.contains(n)).toArray();
        for (int from = 0; from < wanted.length;) {
            for (int n = from; n < wanted.length; n++) {
                put(n - from, wanted[n], 0);
            }
            int done = call(Request.KVM_GET_MSRS, wanted.length - from);
            for (int n = 0; n < done; n++) {
                values.put(wanted[from + n], buffer.get(JAVA_LONG, entry(n) + Abi.MsrEntry.DATA));
            }
            from += done;
            if (from < wanted.length) {
                absent.add(wanted[from++]);
            }
        }
    }

    /** Reads one that is there. */
    long read(int number) {
        put(0, number, 0);
        call(Request.KVM_GET_MSRS, 1);
        return buffer.get(JAVA_LONG, entry(0) + Abi.MsrEntry.DATA);
    }

    /** Writes one. */
    void write(int number, long value) {
        write(Map.of(number, value));
    }

    /** Writes {@code values}, but for the one that waits for the local APIC. */
    void writeBeforeApic(Map<Integer, Long> values) {
        Map<Integer, Long> now = new TreeMap<>(values);
        now.keySet().removeAll(ELSEWHERE);
        now.keySet().removeAll(refused);
        now.remove(TSC_DEADLINE);
        write(now);
    }

    void writeAfterApic(Map<Integer, Long> values) {
        Long deadline = values.get(TSC_DEADLINE);
        if (deadline != null) {
            write(Map.of(TSC_DEADLINE, deadline));
        }
    }

    private void write(Map<Integer, Long> values) {
        Integer[] wanted = values.keySet().toArray(new Integer[0]);
        for (int from = 0; from < wanted.length;) {
            for (int n = from; n < wanted.length; n++) {
                put(n - from, wanted[n], values.get(wanted[n]));
            }
            from += call(Request.KVM_SET_MSRS, wanted.length - from);
            if (from < wanted.length) {
                refused.add(wanted[from++]);
            }
        }
    }

    private int call(Request request, int count) {
        buffer.set(JAVA_INT, Abi.Msrs.NMSRS, count);
        return vcpu.call(request, buffer);
    }

    private void put(int n, int number, long value) {
        buffer.set(JAVA_LONG, entry(n), 0);
        buffer.set(JAVA_INT, entry(n) + Abi.MsrEntry.INDEX, number);
        buffer.set(JAVA_LONG, entry(n) + Abi.MsrEntry.DATA, value);
    }

    private static long entry(int n) {
        return Abi.Msrs.S.size() + (long) n * Abi.MsrEntry.S.size();
    }
}
