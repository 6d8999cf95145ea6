package org.jkvm.machine.loader;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jkvm.machine.memory.MemoryMap;
import org.jkvm.machine.memory.MemoryMap.Range;

/**
 * An ELF kernel with a PVH entry: Xen's docs/misc/pvh.pandoc ("x86/HVM direct boot ABI") and
 * xen/include/public/arch-x86/hvm/start_info.h. Linux's uncompressed vmlinux with CONFIG_PVH, FreeBSD, unikernels.
 */
public final class PvhElf implements Kernel {
    private static final String NOTE_OWNER = "Xen";
    private static final int XEN_ELFNOTE_PHYS32_ENTRY = 18;
    private static final int START_INFO_MAGIC = 0x336e_c578;
    private static final int START_INFO_VERSION = 1;
    private static final int START_INFO_LENGTH = 56;
    private static final int MODLIST_ENTRY_LENGTH = 32;
    private static final int MEMMAP_ENTRY_LENGTH = 24;

    private final ElfImage elf;
    private final long entry;

    private PvhElf(ElfImage elf, long entry) {
        this.elf = elf;
        this.entry = entry;
    }

    /** Takes {@code file} if it is an ELF file with a PVH entry note. */
    static Optional<PvhElf> probe(ImageFile file) {
        Optional<ElfImage> elf = ElfImage.probe(file);
        OptionalLong entry = elf.isPresent() ? elf.get().note(NOTE_OWNER, XEN_ELFNOTE_PHYS32_ENTRY) : OptionalLong.empty();
        return entry.isPresent() ? Optional.of(new PvhElf(elf.get(), entry.getAsLong() & 0xffff_ffffL)) : Optional.empty();
    }

    @Override
    public String format() {
        return "PVH ELF kernel";
    }

    @Override
    public boolean takesModules() {
        return false;
    }

    @Override
    public BootEntry load(BootRequest request) {
        LoadArea area = new LoadArea(request.memory(), request.map());
        elf.load(area);
        long modules = loadModules(area, request.modules());
        ByteBuffer info = LoadArea.buffer(START_INFO_LENGTH);
        info.putInt(START_INFO_MAGIC).putInt(START_INFO_VERSION).putInt(0).putInt(request.modules().size());
        info.putLong(modules);
        info.putLong(area.placeText("command line", request.commandLine()));
        info.putLong(request.rsdp());
        info.putLong(area.place("memory map", memoryMap(request.map().ranges()), 8));
        info.putInt(request.map().ranges().size()).putInt(0);
        return new BootEntry.Protected32(entry, 0, area.place("start info", info, 8), 0, 0);
    }

    private static long loadModules(LoadArea area, List<BootRequest.Module> modules) {
        if (modules.isEmpty()) {
            return 0;
        }
        ByteBuffer list = LoadArea.buffer(modules.size() * MODLIST_ENTRY_LENGTH);
        for (BootRequest.Module m : modules) {
            long size = m.file().size();
            long address = area.claimHigh("initrd " + m.file().path(), size, 4096, MemoryMap.FOUR_GIB);
            area.load(m.file(), "the initrd", 0, size, address);
            list.putLong(address).putLong(size).putLong(area.placeText("module's command line", m.command())).putLong(0);
        }
        return area.place("module list", list, 8);
    }

    private static ByteBuffer memoryMap(List<Range> ranges) {
        ByteBuffer table = LoadArea.buffer(ranges.size() * MEMMAP_ENTRY_LENGTH);
        for (Range r : ranges) {
            table.putLong(r.start()).putLong(r.length()).putInt(r.type().code()).putInt(0);
        }
        return table;
    }
}
