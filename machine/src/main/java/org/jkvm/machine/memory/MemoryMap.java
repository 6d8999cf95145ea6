package org.jkvm.machine.memory;

import java.util.List;

/**
 * What the guest is told about its physical address space: ranges in ascending order that do not overlap. What is in no
 * range is free for devices. Kernels call it the E820 map, after the BIOS call that returns it.
 *
 * @param ranges the ranges
 */
public record MemoryMap(List<Range> ranges) {
    /** The first address that 32 bits can't name. */
    public static final long FOUR_GIB = 1L << 32;
    /** Where extended memory begins. */
    public static final long ONE_MIB = 1L << 20;

    /** Address range types (ACPI 6.4, table 15.3). */
    public enum Type {
        /** RAM that the guest may use. */
        RAM(1),
        /** Not to be used. */
        RESERVED(2),
        /** Holds ACPI tables; may be used once they are read. */
        ACPI(3);

        private final int code;

        Type(int code) {
            this.code = code;
        }

        /** The number in an E820, multiboot or PVH entry. */
        public int code() {
            return code;
        }
    }

    /**
     * One range.
     *
     * @param start  guest physical address
     * @param length bytes, above zero
     * @param type   what it is
     */
    public record Range(long start, long length, Type type) {
        /** The first address behind it. */
        public long end() {
            return start + length;
        }
    }

    /** Checks the order. */
    public MemoryMap {
        ranges = List.copyOf(ranges);
        long end = 0;
        for (Range r : ranges) {
            if (r.start < end || r.length <= 0) {
                throw new IllegalArgumentException("memory map out of order: " + ranges);
            }
            end = r.end();
        }
    }

    /** The ranges that are RAM. */
    public List<Range> ram() {
        return ranges.stream().filter(r -> r.type == Type.RAM).toList();
    }

    /** Bytes of RAM from {@code start} on without a gap; 0 where none begins there. */
    public long ramFrom(long start) {
        return ram().stream().filter(r -> r.start <= start && r.end() > start).mapToLong(r -> r.end() - start).sum();
    }
}
