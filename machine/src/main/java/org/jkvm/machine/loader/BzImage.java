package org.jkvm.machine.loader;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.jkvm.base.UserException;
import org.jkvm.machine.memory.MemoryMap;
import org.jkvm.machine.memory.MemoryMap.Range;

/**
 * A Linux kernel as {@code make bzImage} builds it, started by "The Linux/x86 Boot Protocol" (Documentation/arch/x86/
 * boot.rst; "boot.rst" below), 64-bit or 32-bit entry. Its 16-bit setup code never runs: what it would ask the BIOS for,
 * the zero page says. i386 kernels have the same format.
 *
 * <pre>
 *   file:  setup (setup_sects + 1 sectors) │ protected-mode kernel (syssize paragraphs) │ signature, if any
 *   RAM:   1000h.. GDT, page tables, zero page, command line │ 100000h kernel .. room to decompress │ .. initrd on top
 * </pre>
 */
public final class BzImage implements Kernel {
    // boot.rst, "The Real-Mode Kernel Header": offsets in the file's first sectors and in the zero page alike.
    private static final int SETUP_SECTS = 0x1f1;
    private static final int SYSSIZE = 0x1f4;
    private static final int VID_MODE = 0x1fa;
    private static final int BOOT_FLAG = 0x1fe;
    private static final int JUMP_LENGTH = 0x201;
    private static final int HEADER = 0x202;
    private static final int VERSION = 0x206;
    private static final int TYPE_OF_LOADER = 0x210;
    private static final int LOADFLAGS = 0x211;
    private static final int CODE32_START = 0x214;
    private static final int RAMDISK_IMAGE = 0x218;
    private static final int RAMDISK_SIZE = 0x21c;
    private static final int CMD_LINE_PTR = 0x228;
    private static final int INITRD_ADDR_MAX = 0x22c;
    private static final int XLOADFLAGS = 0x236;
    private static final int CMDLINE_SIZE = 0x238;
    private static final int SETUP_DATA = 0x250;
    private static final int PREF_ADDRESS = 0x258;
    private static final int INIT_SIZE = 0x260;
    private static final int HEADER_LIMIT = 0x290;

    // Documentation/arch/x86/zero-page.rst.
    private static final int ZERO_PAGE_LENGTH = 0x1000;
    private static final int ACPI_RSDP_ADDR = 0x070;
    private static final int ALT_MEM_K = 0x1e0;
    private static final int E820_ENTRIES = 0x1e8;
    private static final int E820_TABLE = 0x2d0;
    private static final int E820_ENTRY_LENGTH = 20;

    private static final int BOOT_FLAG_MAGIC = 0xaa55;
    private static final int HDRS = 0x5372_6448;
    private static final int LOADED_HIGH = 1;
    private static final int XLF_KERNEL_64 = 1;
    private static final int LOADER_UNDEFINED = 0xff;
    private static final int VID_MODE_NORMAL = 0xffff;
    private static final int SECTOR = 512;
    private static final int DEFAULT_SETUP_SECTS = 4;
    private static final long ENTRY_64 = 0x200;
    private static final long LOAD_ADDRESS = MemoryMap.ONE_MIB;
    private static final long INITRD_MAX_BEFORE_2_03 = 0x37ff_ffff;
    private static final int CMDLINE_MAX_BEFORE_2_06 = 255;

    private final ImageFile file;
    private final ByteBuffer header;

    private BzImage(ImageFile file, ByteBuffer header) {
        this.file = file;
        this.header = header;
    }

    /** Takes {@code file} if it has a setup header; protocol versions without "HdrS" (Linux before 1.3.73) don't count. */
    static Optional<BzImage> probe(ImageFile file) {
        ByteBuffer header = file.head(HEADER_LIMIT);
        boolean linux = u16(header, BOOT_FLAG) == BOOT_FLAG_MAGIC && header.getInt(HEADER) == HDRS;
        return linux ? Optional.of(new BzImage(file, header)) : Optional.empty();
    }

    @Override
    public String format() {
        return "Linux bzImage, boot protocol " + describeVersion();
    }

    /** The boot protocol's version: major in bits 15:8, minor in bits 7:0. */
    int protocol() {
        return u16(header, VERSION);
    }

    /** Whether the kernel can be entered in 64-bit mode. */
    boolean has64BitEntry() {
        return protocol() >= 0x20c && (u16(header, XLOADFLAGS) & XLF_KERNEL_64) != 0;
    }

    @Override
    public boolean takesModules() {
        return false;
    }

    @Override
    public BootEntry load(BootRequest request) {
        checkSupported();
        LoadArea area = new LoadArea(request.memory(), request.map());
        loadKernel(area);
        ByteBuffer zeroPage = zeroPage(request);
        loadInitrd(area, request.modules(), zeroPage);
        placeCommandLine(area, request.commandLine(), zeroPage);
        long bootParams = area.place("zero page", zeroPage, 16);
        return has64BitEntry() && request.longMode() ? enter64(area, bootParams) : enter32(area, bootParams);
    }

    private void checkSupported() {
        if (protocol() < 0x202) {
            throw file.fault("Linux boot protocol " + describeVersion() + " is too old: 2.02 (Linux 2.4) is the oldest");
        }
        if ((header.get(LOADFLAGS) & LOADED_HIGH) == 0) {
            throw file.fault("is a zImage, which loads below 1 MiB: build a bzImage");
        }
        if (header.getInt(CODE32_START) != LOAD_ADDRESS) {
            throw file.fault("can only be started by its 16-bit code, which needs a BIOS (code32_start is "
                    + LoadArea.hex(header.getInt(CODE32_START) & 0xffff_ffffL) + ")");
        }
    }

    private void loadKernel(LoadArea area) {
        long setup = setupBytes();
        long length = file.size() - setup;
        long declared = declaredBytes();
        if (length <= 0 || length < declared - 15) {
            file.checkInside("the protected-mode kernel", setup, Math.max(1, declared));
        }
        area.claim("kernel " + file.path(), LOAD_ADDRESS, Math.max(length, runtimeEnd() - LOAD_ADDRESS));
        area.load(file, "the protected-mode kernel", setup, length, LOAD_ADDRESS);
    }

    private long setupBytes() {
        int sectors = header.get(SETUP_SECTS) & 0xff;
        return (sectors == 0 ? DEFAULT_SETUP_SECTS + 1L : sectors + 1L) * SECTOR;
    }

    /** The protected-mode kernel's length as the header has it; before 2.04 only the low 16 bits mean anything. */
    private long declaredBytes() {
        return protocol() >= 0x204 ? (header.getInt(SYSSIZE) & 0xffff_ffffL) * 16 : 0;
    }

    /**
     * Where the memory ends that the kernel takes before it looks at the memory map (boot.rst, init_size): relocatable
     * kernels move to pref_address to decompress themselves when they were loaded below it.
     */
    private long runtimeEnd() {
        if (protocol() < 0x20a) {
            return LOAD_ADDRESS;
        }
        long preferred = header.getLong(PREF_ADDRESS);
        if (preferred < 0 || preferred >= MemoryMap.FOUR_GIB) {
            throw file.fault("the setup header's pref_address " + LoadArea.hex(preferred) + " is not below 4 GiB");
        }
        return Math.max(LOAD_ADDRESS, preferred) + (header.getInt(INIT_SIZE) & 0xffff_ffffL);
    }

    private ByteBuffer zeroPage(BootRequest request) {
        ByteBuffer page = LoadArea.buffer(ZERO_PAGE_LENGTH);
        int headerEnd = Math.min(HEADER_LIMIT, HEADER + (header.get(JUMP_LENGTH) & 0xff));
        page.put(SETUP_SECTS, header, SETUP_SECTS, headerEnd - SETUP_SECTS);
        page.putShort(VID_MODE, (short) VID_MODE_NORMAL);
        page.put(TYPE_OF_LOADER, (byte) LOADER_UNDEFINED);
        page.putInt(CODE32_START, (int) LOAD_ADDRESS);
        if (protocol() >= 0x209) {
            page.putLong(SETUP_DATA, 0);
        }
        if (protocol() >= 0x20e) {
            page.putLong(ACPI_RSDP_ADDR, request.rsdp());
        }
        page.putInt(ALT_MEM_K, (int) Math.min(0xffff_ffffL, request.map().ramFrom(MemoryMap.ONE_MIB) >> 10));
        putE820(page, request.map().ranges());
        return page;
    }

    private static void putE820(ByteBuffer page, List<Range> ranges) {
        page.put(E820_ENTRIES, (byte) ranges.size());
        for (int i = 0; i < ranges.size(); i++) {
            Range r = ranges.get(i);
            page.position(E820_TABLE + i * E820_ENTRY_LENGTH);
            page.putLong(r.start()).putLong(r.length()).putInt(r.type().code());
        }
    }

    private void loadInitrd(LoadArea area, List<BootRequest.Module> modules, ByteBuffer zeroPage) {
        if (modules.isEmpty()) {
            return;
        }
        if (modules.size() > 1) {
            throw new UserException("-initrd: Linux takes one file, " + modules.size() + " were given");
        }
        ImageFile initrd = modules.getFirst().file();
        long limit = protocol() >= 0x203 ? header.getInt(INITRD_ADDR_MAX) & 0xffff_ffffL : INITRD_MAX_BEFORE_2_03;
        long address = area.claimHigh("initrd " + initrd.path(), initrd.size(), 4096, limit + 1);
        area.load(initrd, "the initrd", 0, initrd.size(), address);
        zeroPage.putInt(RAMDISK_IMAGE, (int) address).putInt(RAMDISK_SIZE, (int) initrd.size());
    }

    private void placeCommandLine(LoadArea area, String commandLine, ByteBuffer zeroPage) {
        long max = protocol() >= 0x206 ? header.getInt(CMDLINE_SIZE) & 0xffff_ffffL : CMDLINE_MAX_BEFORE_2_06;
        int length = commandLine.getBytes(StandardCharsets.UTF_8).length;
        if (length > max) {
            throw new UserException("-append: has " + length + " bytes, and this kernel takes at most " + max);
        }
        zeroPage.putInt(CMD_LINE_PTR, (int) area.placeText("command line", commandLine));
    }

    private BootEntry enter32(LoadArea area, long bootParams) {
        return new BootEntry.Protected32(LOAD_ADDRESS, 0, 0, bootParams, placeGdt(area, false));
    }

    private BootEntry enter64(LoadArea area, long bootParams) {
        return new BootEntry.Long64(LOAD_ADDRESS + ENTRY_64, bootParams, placeGdt(area, true), IdentityMap.place(area));
    }

    private static long placeGdt(LoadArea area, boolean longMode) {
        ByteBuffer gdt = LoadArea.buffer(4 * Long.BYTES);
        for (long entry : BootEntry.gdt(longMode)) {
            gdt.putLong(entry);
        }
        return area.place("GDT", gdt, 16);
    }

    private String describeVersion() {
        return String.format("%d.%02d", protocol() >> 8, protocol() & 0xff);
    }

    private static int u16(ByteBuffer buffer, int offset) {
        return buffer.getShort(offset) & 0xffff;
    }
}
