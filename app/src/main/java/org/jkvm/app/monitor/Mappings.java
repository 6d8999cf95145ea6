package org.jkvm.app.monitor;

import org.jkvm.base.Bits;
import org.jkvm.base.GuestMemory;
import org.jkvm.hypervisor.x86.X86State;

/**
 * {@code info mem}: the ranges of linear addresses that a vCPU's page tables map, with what they allow (SDM vol. 3A,
 * chapter 4). Neighbours that allow the same are one range. The tables are the guest's: what is not RAM maps nothing, and
 * the walk ends after a bounded number of entries.
 */
final class Mappings {
    private static final int EFER = 0xc000_0080;
    private static final int PG = 31;
    private static final int PAE = 5;
    private static final int PSE = 4;
    private static final int LMA = 10;
    private static final int PRESENT = 1;
    private static final int WRITE = 2;
    private static final int USER = 4;
    private static final int LARGE = 0x80;
    private static final long ADDRESS = 0x000f_ffff_ffff_f000L;
    private static final int MOST_ENTRIES = 4_000_000;
    private static final int MOST_RANGES = 2000;

    private final GuestMemory memory;
    private final boolean longMode;
    private final boolean wide;
    private final boolean large;
    private final StringBuilder text = new StringBuilder();
    private int entries;
    private int ranges;
    private long start;
    private long end;
    private int rights;

    private Mappings(X86State state, GuestMemory memory) {
        this.memory = memory;
        this.longMode = Bits.isSet(state.msrs.getOrDefault(EFER, 0L), LMA);
        this.wide = Bits.isSet(state.cr4, PAE);
        this.large = wide || Bits.isSet(state.cr4, PSE);
    }

    /** One line a range: start, end, size, and "urw" with dashes for what is not allowed. */
    static String text(X86State state, GuestMemory memory) {
        if (!Bits.isSet(state.cr0, PG)) {
            return "PG disabled\n";
        }
        Mappings m = new Mappings(state, memory);
        int level = m.longMode ? 4 : m.wide ? 3 : 2;
        m.walk(state.cr3 & (m.wide && !m.longMode ? 0xffff_ffe0L : m.wide ? ADDRESS : 0xffff_f000L), level, 0, USER | WRITE);
        m.finishRange();
        return m.text + (m.full() ? "... and more\n" : "");
    }

    private boolean full() {
        return entries >= MOST_ENTRIES || ranges >= MOST_RANGES;
    }

    private void walk(long table, int level, long linear, int allowed) {
        int count = !wide ? 1024 : level == 3 && !longMode ? 4 : 512;
        int size = wide ? 8 : 4;
        int shift = wide ? 12 + 9 * (level - 1) : 12 + 10 * (level - 1);
        for (int n = 0; n < count && !full(); n++) {
            entries++;
            long entry = read(table + (long) n * size, size);
            if ((entry & PRESENT) != 0) {
                long at = linear + ((long) n << shift);
                visit(entry, level, longMode && level == 4 ? at << 16 >> 16 : at, shift, allowed);
            }
        }
    }

    private void visit(long entry, int level, long at, int shift, int allowed) {
        boolean pdpte = wide && !longMode && level == 3;
        int narrowed = pdpte ? allowed : allowed & (int) entry;
        if (level == 1 || !pdpte && level < 4 && large && (entry & LARGE) != 0) {
            add(at, 1L << shift, narrowed);
        } else {
            walk(entry & (wide ? ADDRESS : 0xffff_f000L), level - 1, at, narrowed);
        }
    }

    private long read(long address, int size) {
        try {
            return memory.readInt(address, size);
        } catch (GuestMemory.BadAddress notRam) {
            return 0;
        }
    }

    private void add(long at, long size, int allowed) {
        if (at != end || allowed != rights || start == end) {
            finishRange();
            start = at;
            rights = allowed;
        }
        end = at + size;
    }

    private void finishRange() {
        if (start != end) {
            ranges++;
            text.append("%016x-%016x %016x %sr%s%n".formatted(start, end, end - start,
                    (rights & USER) != 0 ? "u" : "-", (rights & WRITE) != 0 ? "w" : "-"));
        }
        start = end;
    }
}
