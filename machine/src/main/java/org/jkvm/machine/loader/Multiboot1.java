package org.jkvm.machine.loader;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.jkvm.machine.memory.MemoryMap;
import org.jkvm.machine.memory.MemoryMap.Range;

/**
 * A kernel with a multiboot header: Multiboot Specification version 0.6.96. The header says where to load the file, or
 * leaves that to its ELF headers. Video modes asked for are ignored: there is no display to set one on.
 */
public final class Multiboot1 implements Kernel {
    // Section 3.1, the layout of the multiboot header.
    private static final int HEADER_MAGIC = 0x1bad_b002;
    private static final int SEARCHED = 8192;
    private static final int HEADER_LENGTH = 32;
    private static final int FLAGS_KNOWN = 0x1_0007;
    private static final int FLAGS_REQUIRED = 0xffff;
    private static final int FLAG_ADDRESSES = 0x1_0000;

    // Sections 3.2 and 3.3, machine state and boot information format.
    private static final int BOOTLOADER_MAGIC = 0x2bad_b002;
    private static final int INFO_LENGTH = 116;
    private static final int INFO_FLAGS = 0;
    private static final int MEM_LOWER = 4;
    private static final int MEM_UPPER = 8;
    private static final int CMDLINE = 16;
    private static final int MODS_COUNT = 20;
    private static final int MODS_ADDR = 24;
    private static final int MMAP_LENGTH = 44;
    private static final int MMAP_ADDR = 48;
    private static final int BOOT_LOADER_NAME = 64;
    private static final int HAS_MEMORY = 1;
    private static final int HAS_CMDLINE = 1 << 2;
    private static final int HAS_MODULES = 1 << 3;
    private static final int HAS_MMAP = 1 << 6;
    private static final int HAS_LOADER_NAME = 1 << 9;
    private static final int MODULE_ENTRY_LENGTH = 16;
    private static final int MMAP_ENTRY_LENGTH = 24;

    private final ImageFile file;
    private final int headerOffset;
    private final ByteBuffer header;

    private Multiboot1(ImageFile file, int headerOffset, ByteBuffer header) {
        this.file = file;
        this.headerOffset = headerOffset;
        this.header = header;
    }

    /** Takes {@code file} if a valid header is in its first 8 KiB. */
    static Optional<Multiboot1> probe(ImageFile file) {
        ByteBuffer head = file.head(SEARCHED + HEADER_LENGTH);
        for (int at = 0; at + 12 <= SEARCHED; at += 4) {
            int sum = head.getInt(at) + head.getInt(at + 4) + head.getInt(at + 8);
            if (head.getInt(at) == HEADER_MAGIC && sum == 0) {
                return Optional.of(new Multiboot1(file, at, head.slice(at, HEADER_LENGTH).order(head.order())));
            }
        }
        return Optional.empty();
    }

    @Override
    public String format() {
        return "multiboot kernel";
    }

    @Override
    public boolean takesModules() {
        return true;
    }

    @Override
    public BootEntry load(BootRequest request) {
        if ((flags() & FLAGS_REQUIRED & ~FLAGS_KNOWN) != 0) {
            throw file.fault("the multiboot header requires unknown features: flags " + LoadArea.hex(flags()));
        }
        LoadArea area = new LoadArea(request.memory(), request.map());
        long entry = (flags() & FLAG_ADDRESSES) != 0 ? loadByAddresses(area) : loadElf(area);
        return new BootEntry.Protected32(entry, BOOTLOADER_MAGIC, placeInfo(area, request), 0, 0);
    }

    private long flags() {
        return field(4);
    }

    private long field(int offset) {
        return header.getInt(offset) & 0xffff_ffffL;
    }

    /** Section 3.1.3: the address fields of the header, for files that aren't ELF. */
    private long loadByAddresses(LoadArea area) {
        long headerAddress = field(12);
        long loadAddress = field(16);
        long loadEnd = field(20);
        long bssEnd = field(24);
        long from = headerOffset - (headerAddress - loadAddress);
        if (from < 0 || headerAddress < loadAddress || loadEnd != 0 && loadEnd < loadAddress) {
            throw file.fault("the multiboot header's addresses contradict each other");
        }
        long length = loadEnd == 0 ? file.size() - from : loadEnd - loadAddress;
        long inMemory = Math.max(length, bssEnd - loadAddress);
        file.checkInside("the multiboot kernel", from, length);
        area.claim("kernel " + file.path(), loadAddress, inMemory);
        area.load(file, "the multiboot kernel", from, length, loadAddress);
        area.clear(loadAddress + length, inMemory - length);
        return field(28);
    }

    private long loadElf(LoadArea area) {
        ElfImage elf = ElfImage.probe(file).orElseThrow(() ->
                file.fault("the multiboot header gives no addresses and the file is not an x86 ELF file"));
        if (elf.is64()) {
            throw file.fault("is a 64-bit ELF file, and multiboot starts 32-bit code: try objcopy -O elf32-i386");
        }
        elf.load(area);
        return elf.entry();
    }

    private long placeInfo(LoadArea area, BootRequest request) {
        ByteBuffer info = LoadArea.buffer(INFO_LENGTH);
        ByteBuffer modules = loadModules(area, request.modules());
        ByteBuffer map = memoryMap(request.map().ranges());
        String name = file.path() + (request.commandLine().isEmpty() ? "" : " ") + request.commandLine();
        info.putInt(INFO_FLAGS, HAS_MEMORY | HAS_CMDLINE | HAS_MODULES | HAS_MMAP | HAS_LOADER_NAME);
        info.putInt(MEM_LOWER, (int) (request.map().ramFrom(0) >> 10));
        info.putInt(MEM_UPPER, (int) (request.map().ramFrom(MemoryMap.ONE_MIB) >> 10));
        info.putInt(CMDLINE, (int) area.placeText("command line", name));
        info.putInt(MODS_COUNT, request.modules().size());
        info.putInt(MODS_ADDR, (int) area.place("module list", modules, 4));
        info.putInt(MMAP_LENGTH, map.capacity());
        info.putInt(MMAP_ADDR, (int) area.place("memory map", map, 4));
        info.putInt(BOOT_LOADER_NAME, (int) area.placeText("boot loader name", "jkvm"));
        return area.place("multiboot information", info, 4);
    }

    /** Modules go behind 1 MiB, page-aligned as section 3.1.2 (flags bit 0) allows any kernel to ask for. */
    private static ByteBuffer loadModules(LoadArea area, List<BootRequest.Module> modules) {
        ByteBuffer list = LoadArea.buffer(modules.size() * MODULE_ENTRY_LENGTH);
        for (BootRequest.Module m : modules) {
            long size = m.file().size();
            long start = area.claimLow("module " + m.file().path(), size, 4096, MemoryMap.ONE_MIB);
            area.load(m.file(), "the module", 0, size, start);
            list.putInt((int) start).putInt((int) (start + size));
            list.putInt((int) area.placeText("module's command line", m.command())).putInt(0);
        }
        return list;
    }

    private static ByteBuffer memoryMap(List<Range> ranges) {
        ByteBuffer table = LoadArea.buffer(ranges.size() * MMAP_ENTRY_LENGTH);
        for (Range r : ranges) {
            table.putInt(MMAP_ENTRY_LENGTH - 4).putLong(r.start()).putLong(r.length()).putInt(r.type().code());
        }
        return table;
    }
}
