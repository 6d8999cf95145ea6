package org.jkvm.x86.trap;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jkvm.x86.state.CodeSegment;

/** Numbers for code segments. Code of one that was forgotten is decoded again: its number does not come back. */
final class CodeSegments {
    private static final int MOST_KEPT = 4096;

    private final Map<Place, CodeSegment> known = new LinkedHashMap<>();
    private CodeSegment last = CodeSegment.FLAT;
    private long numbers;

    private record Place(long base, long limit) {
    }

    /** The code segment from {@code base} on whose highest offset is {@code limit}. */
    CodeSegment of(long base, long limit) {
        if (base != last.base() || limit != last.limit()) {
            boolean flat = base == CodeSegment.FLAT.base() && limit == CodeSegment.FLAT.limit();
            last = flat ? CodeSegment.FLAT : numbered(new Place(base, limit));
        }
        return last;
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
