package org.jkvm.hypervisor;

import java.lang.foreign.MemorySegment;

/**
 * A range of guest physical addresses backed by host memory.
 *
 * @param index    the slot's number, 0 to 508
 * @param address  guest physical address, page-aligned
 * @param memory   the host memory, native and page-aligned; its size is the range's
 * @param readOnly whether guest writes become MMIO exits (ROM)
 * @param logDirty whether pages written are logged
 */
public record MemorySlot(int index, long address, MemorySegment memory, boolean readOnly, boolean logDirty) {
    /** Bytes of a page. */
    public static final int PAGE = 4096;

    /** Checks alignment and range. */
    public MemorySlot {
        if (index < 0 || index > 508 || ((address | memory.byteSize()) & PAGE - 1) != 0 || !memory.isNative()) {
            throw new IllegalArgumentException("memory slot " + index + " at " + Long.toHexString(address)
                    + "h: native memory, page-aligned, index 0 to 508");
        }
    }
}
