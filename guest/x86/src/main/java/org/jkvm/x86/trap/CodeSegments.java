package org.jkvm.x86.trap;

import static org.jkvm.linux.RawMemory.putLong;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jkvm.x86.state.CodeSegment;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Segment;

/** Numbers for code segments. Code of one that was forgotten is decoded again: its number does not come back. */
public final class CodeSegments {
    /** An entry of {@link CpuState#CODE_SEGMENTS} is number S XOR S shifted right by this, S being the base divided by 16. */
    public static final int HASH_SHIFT = 8;
    /** Number of the last entry. */
    public static final int HASH_MASK = 31;
    /** Bytes of an entry, as a power of two: {@link #key}, and the number in the upper half of 8 bytes. */
    public static final int ENTRY_SHIFT = 4;
    private static final int MOST_KEPT = 4096;

    private final Map<Place, CodeSegment> known = new LinkedHashMap<>();
    private CodeSegment last = CodeSegment.FLAT;
    private long numbers;

    // SAFETY: HASH_MASK + 1 entries of 16 bytes; an index is masked with HASH_MASK.
    private final long table;

    CodeSegments(long struct) {
        table = struct + CpuState.CODE_SEGMENTS;
    }

    /** What an entry is known by, never zero: the exclusive or with it of a base is the key for that base. */
    public static long key(long base, long limit) {
        return ~(limit << Integer.SIZE | base);
    }

    private record Place(long base, long limit) {
    }

    /** The code segment from {@code base} on whose highest offset is {@code limit}. */
    CodeSegment of(long base, long limit) {
        if (base != last.base() || limit != last.limit()) {
            boolean flat = base == CodeSegment.FLAT.base() && limit == CodeSegment.FLAT.limit();
            last = flat ? CodeSegment.FLAT : numbered(new Place(base, limit));
            enter(base, limit);
        }
        return last;
    }

    /** Lets generated code find the last one: a number never means another place. */
    private void enter(long base, long limit) {
        int selector = (int) (base >>> Segment.PARAGRAPH_SHIFT);
        long entry = table + ((long) ((selector ^ selector >>> HASH_SHIFT) & HASH_MASK) << ENTRY_SHIFT);
        putLong(entry, key(base, limit));
        putLong(entry + 8, last.number() << Integer.SIZE);
    }

    private CodeSegment numbered(Place place) {
        CodeSegment segment = known.computeIfAbsent(place, this::number);
        if (known.size() > MOST_KEPT) {
            known.remove(known.keySet().iterator().next());
        }
        return segment;
    }

    private CodeSegment number(Place place) {
        return new CodeSegment(place.base(), place.limit(), ++numbers);
    }
}
