package org.jkvm.machine.memory;

import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.Bits;
import org.jkvm.base.UserException;
import org.jkvm.machine.memory.MemoryMap.Range;
import org.jkvm.machine.memory.MemoryMap.Type;

/**
 * How a PC lays out {@code size} bytes of RAM: below the hole for PCI devices that ends at 4 GiB, the rest above 4 GiB.
 * Addresses A0000h to BFFFFh belong to display adapters, whether there is one or not (82441FX, section 3.1).
 *
 * <pre>
 *        0 ── 9FC00h  RAM                              C0000h ── EFFFFh   option ROMs' space (RAM)
 *   9FC00h ── 9FFFFh  extended BIOS data area          F0000h ── FFFFFh   firmware tables (RAM, reserved)
 *   A0000h ── BFFFFh  display                         100000h ── below4g  RAM
 *  below4g ── FFFFFFFFh  PCI, I/O APIC, local APIC          4 GiB ──      RAM
 * </pre>
 *
 * @param size bytes of RAM, a multiple of 1 MiB
 */
public record RamLayout(long size) {
    /** The extended BIOS data area's start: 1 KiB below the display. */
    public static final long EBDA = 0x9_fc00;
    /** Display memory. */
    public static final long DISPLAY = 0xa_0000;
    /** Behind display memory: option ROMs. */
    public static final long OPTION_ROMS = 0xc_0000;
    /** Where the firmware and its tables live: the F segment. */
    public static final long FIRMWARE = 0xf_0000;
    /** Where the fixed addresses below 4 GiB begin: the I/O APIC's. */
    public static final long FIXED_DEVICES = 0xfec0_0000L;

    private static final long LARGEST_BELOW_4G = 0xe000_0000L;
    private static final long BELOW_4G_IF_SPLIT = 0xc000_0000L;
    private static final long LARGEST = 1L << 46;

    /**
     * A block of RAM.
     *
     * @param address guest physical address
     * @param offset  where in the RAM's memory it begins
     * @param length  bytes
     */
    public record Block(long address, long offset, long length) {
    }

    /** Checks the size. */
    public RamLayout {
        if (size < MemoryMap.ONE_MIB || size > LARGEST || Bits.alignDown(size, MemoryMap.ONE_MIB) != size) {
            throw new UserException("-m: " + size + " bytes of memory: 1 MiB to 64 TiB, in whole MiB");
        }
    }

    /** Bytes below the PCI hole: all of it up to 3.5 GiB, 3 GiB of anything larger, so that the rest is well aligned. */
    public long below4g() {
        return size < LARGEST_BELOW_4G ? size : BELOW_4G_IF_SPLIT;
    }

    /** Bytes from 4 GiB on. */
    public long above4g() {
        return size - below4g();
    }

    /** The blocks, as memory slots take them. */
    public List<Block> blocks() {
        List<Block> blocks = new ArrayList<>();
        blocks.add(new Block(0, 0, DISPLAY));
        blocks.add(new Block(OPTION_ROMS, OPTION_ROMS, below4g() - OPTION_ROMS));
        if (above4g() > 0) {
            blocks.add(new Block(MemoryMap.FOUR_GIB, below4g(), above4g()));
        }
        return blocks;
    }

    /** What the guest is told. */
    public MemoryMap memoryMap() {
        List<Range> ranges = new ArrayList<>();
        ranges.add(new Range(0, EBDA, Type.RAM));
        ranges.add(new Range(EBDA, DISPLAY - EBDA, Type.RESERVED));
        ranges.add(new Range(FIRMWARE, MemoryMap.ONE_MIB - FIRMWARE, Type.RESERVED));
        if (below4g() > MemoryMap.ONE_MIB) {
            ranges.add(new Range(MemoryMap.ONE_MIB, below4g() - MemoryMap.ONE_MIB, Type.RAM));
        }
        if (above4g() > 0) {
            ranges.add(new Range(MemoryMap.FOUR_GIB, above4g(), Type.RAM));
        }
        return new MemoryMap(ranges);
    }
}
