package org.jkvm.machine.loader;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jkvm.base.Bits;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.UserException;
import org.jkvm.machine.memory.MemoryMap;
import org.jkvm.machine.memory.MemoryMap.Range;

/**
 * Guest RAM while it is being loaded: hands out ranges, sees to it that nothing overlaps and everything is RAM, and
 * writes. Addresses and lengths given to it come from files and may be anything.
 */
final class LoadArea {
    /** Page 0 holds the real-mode interrupt vectors and the BIOS data area; nothing is put there by itself. */
    static final long LOWEST = 0x1000;

    private final GuestMemory memory;
    private final MemoryMap map;
    private final List<Claim> claims = new ArrayList<>();

    private record Claim(String what, long start, long end) {
        boolean overlaps(long from, long to) {
            return from < end && start < to;
        }
    }

    LoadArea(GuestMemory memory, MemoryMap map) {
        this.memory = memory;
        this.map = map;
    }

    /**
     * Claims exactly {@code length} bytes at {@code start}.
     *
     * @throws UserException when that is not all RAM, or something else is there already
     */
    void claim(String what, long start, long length) {
        boolean inRam = map.ram().stream().anyMatch(r -> inside(r, start, length));
        if (!inRam) {
            throw new UserException(what + " does not fit into memory: it needs " + hex(start) + " to "
                    + hex(start + length - 1) + ", and RAM is " + describeRam() + " (-m)");
        }
        Claim there = conflict(start, start + length);
        if (there != null) {
            throw new UserException(what + " at " + hex(start) + " to " + hex(start + length - 1) + " overlaps "
                    + there.what + " at " + hex(there.start) + " to " + hex(there.end - 1));
        }
        claims.add(new Claim(what, start, start + length));
    }

    /** Claims the lowest free {@code length} bytes at or above {@code from}, aligned; returns where. */
    long claimLow(String what, long length, long alignment, long from) {
        for (Range r : map.ram()) {
            long start = Bits.alignUp(Math.max(r.start(), from), alignment);
            while (inside(r, start, length)) {
                Claim there = conflict(start, start + length);
                if (there == null) {
                    claim(what, start, length);
                    return start;
                }
                start = Bits.alignUp(there.end, alignment);
            }
        }
        throw tooLarge(what, length);
    }

    /** Claims the highest free {@code length} bytes that end at or below {@code limit}, aligned; returns where. */
    long claimHigh(String what, long length, long alignment, long limit) {
        for (Range r : map.ram().stream().sorted(Comparator.comparingLong(Range::start).reversed()).toList()) {
            long start = Bits.alignDown(Math.min(r.end(), limit) - length, alignment);
            while (inside(r, start, length)) {
                Claim there = conflict(start, start + length);
                if (there == null) {
                    claim(what, start, length);
                    return start;
                }
                start = Bits.alignDown(there.start - length, alignment);
            }
        }
        throw tooLarge(what, length);
    }

    /** Copies {@code length} bytes of {@code file} from {@code offset} on to a claimed address. */
    void load(ImageFile file, String what, long offset, long length, long address) {
        if (length > 0) {
            MemorySegment target = memory.slice(address, length);
            file.readInto(what, offset, target);
            memory.markWritten(address, length);
        }
    }

    /** Zeroes {@code length} bytes at a claimed address: RAM is not cleared by a reset. */
    void clear(long address, long length) {
        if (length > 0) {
            memory.slice(address, length).fill((byte) 0);
            memory.markWritten(address, length);
        }
    }

    /** Claims room for {@code bytes} in low memory and puts them there; returns where. */
    long place(String what, ByteBuffer bytes, long alignment) {
        long address = claimLow(what, bytes.capacity(), alignment, LOWEST);
        write(address, bytes);
        return address;
    }

    /** Puts all of {@code bytes} at a claimed address. */
    void write(long address, ByteBuffer bytes) {
        memory.write(address, bytes.array(), 0, bytes.capacity());
    }

    /** Claims room for {@code text} in low memory and puts it there, with a zero byte behind it; returns where. */
    long placeText(String what, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return place(what, buffer(bytes.length + 1).put(bytes), 16);
    }

    /** The memory map that the guest is told. */
    MemoryMap map() {
        return map;
    }

    /** A zeroed little-endian buffer to build a structure in. */
    static ByteBuffer buffer(int length) {
        return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    }

    static String hex(long value) {
        return Long.toHexString(value) + "h";
    }

    private static boolean inside(Range r, long start, long length) {
        return start >= r.start() && length >= 0 && start <= r.end() && length <= r.end() - start;
    }

    private Claim conflict(long from, long to) {
        return claims.stream().filter(c -> c.overlaps(from, to)).findFirst().orElse(null);
    }

    private UserException tooLarge(String what, long length) {
        return new UserException(what + " does not fit into memory: it has " + length + " bytes, and RAM is "
                + describeRam() + ", of which other parts take "
                + claims.stream().mapToLong(c -> c.end - c.start).sum() + " bytes (-m)");
    }

    private String describeRam() {
        return String.join(", ", map.ram().stream().map(r -> hex(r.start()) + " to " + hex(r.end() - 1)).toList());
    }
}
