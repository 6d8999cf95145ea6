package org.jkvm.x86.mmu;

import org.jkvm.linux.RawMemory;
import org.jkvm.x86.GuestFault;
import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Bus;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.state.Control;

/**
 * Walks page tables: no paging, 32-bit, PAE and 4-level paging (SDM vol. 3A, chapter 4). Sets accessed and dirty bits
 * with a compare-and-exchange, as processors do, and raises #PF with the right error code.
 */
public final class PageWalker {
    private static final long PRESENT = 1;
    private static final long WRITE = 1 << 1;
    private static final long USER = 1 << 2;
    private static final long ACCESSED = 1 << 5;
    private static final long DIRTY = 1 << 6;
    private static final long LARGE = 1 << 7;
    private static final long GLOBAL = 1 << 8;
    private static final long NO_EXECUTE = 1L << 63;
    /** Physical address width that CPUID leaf 80000008h reports. */
    public static final int PHYSICAL_BITS = 40;
    private static final long ADDRESS = (1L << PHYSICAL_BITS) - 1 & -4096L;
    private static final long TOO_HIGH = (1L << 52) - 1 & ~((1L << PHYSICAL_BITS) - 1);

    private static final long CHANGED = -1;

    private final X86Cpu cpu;
    private final X86Bus bus;
    private final long[] pdptes = new long[4];
    private long pageSize;
    private boolean global;
    private long combined;
    private boolean inspecting;

    PageWalker(X86Cpu cpu) {
        this.cpu = cpu;
        this.bus = cpu.bus;
    }

    /** Bytes of the page that the last walk found. */
    long pageSize() {
        return pageSize;
    }

    /** Whether the page that the last walk found is global. */
    boolean global() {
        return global;
    }

    /**
     * Translates, setting accessed and dirty bits.
     *
     * @param access   {@link Access}
     * @param user     whether at CPL 3
     * @param override whether SMAP is overridden
     * @return guest physical address of the 4 KiB page
     */
    long walk(long linear, int access, boolean user, boolean override) {
        long page = attempt(linear, access, user, override);
        while (page == CHANGED) {
            page = attempt(linear, access, user, override);
        }
        return page;
    }

    private long attempt(long linear, int access, boolean user, boolean override) {
        inspecting = false;
        if ((cpu.control(0) & Control.CR0_PG) == 0) {
            pageSize = 4096;
            global = false;
            return linear & 0xffff_f000L;
        }
        int who = access | (user ? Access.USER : 0);
        return (cpu.control(4) & Control.CR4_PAE) == 0
                ? walk32(linear, who, override) : walk64(linear, who, override);
    }

    /** Translates without a trace; -1 where nothing is mapped. */
    long inspect(long linear) {
        if ((cpu.control(0) & Control.CR0_PG) == 0) {
            return linear & 0xffff_ffffL;
        }
        inspecting = true;
        try {
            long page = (cpu.control(4) & Control.CR4_PAE) == 0
                    ? walk32(linear, Access.READ, true) : walk64(linear, Access.READ, true);
            return page | linear & 4095;
        } catch (GuestFault notMapped) {
            return -1;
        } finally {
            inspecting = false;
        }
    }

    /** Loads the PDPTEs of PAE paging again, after the whole state was replaced. */
    public void reloadPdptes() {
        boolean pae = (cpu.control(0) & Control.CR0_PG) != 0 && (cpu.control(4) & Control.CR4_PAE) != 0;
        if (pae && !cpu.longMode()) {
            loadPdptes(cpu.control(3));
        }
    }

    /**
     * Loads the four PDPTEs of PAE paging from where CR3 points (SDM vol. 3A, section 4.4.1).
     *
     * @throws GuestFault #GP where one that is present sets reserved bits
     */
    public void loadPdptes(long cr3) {
        long table = cr3 & 0xffff_ffe0L;
        long[] loaded = new long[4];
        for (int n = 0; n < 4; n++) {
            loaded[n] = readEntry(table + 8L * n, 8);
            if ((loaded[n] & PRESENT) != 0 && (loaded[n] & (0x1e6L | TOO_HIGH | -1L << 52)) != 0) {
                throw cpu.fault(Vector.GP, 0);
            }
        }
        System.arraycopy(loaded, 0, pdptes, 0, 4);
    }

    private long walk32(long linear, int access, boolean override) {
        combined = USER | WRITE;
        long pdeAddress = (cpu.control(3) & 0xffff_f000L) + (linear >>> 22 & 0x3ff) * 4;
        long pde = entry(pdeAddress, 4, linear, access);
        if ((pde & LARGE) != 0 && (cpu.control(4) & Control.CR4_PSE) != 0) {
            if ((pde >>> 21 & 1) != 0) {
                throw pageFault(linear, access | Access.PRESENT | Access.RESERVED);
            }
            long base = pde & 0xffc0_0000L | (pde >>> 13 & 0xff) << 32;
            return leaf(pdeAddress, pde, 4, base & ADDRESS, 1L << 22, linear, access, override);
        }
        accessed(pdeAddress, pde);
        long pteAddress = (pde & 0xffff_f000L) + (linear >>> 12 & 0x3ff) * 4;
        long pte = entry(pteAddress, 4, linear, access);
        return leaf(pteAddress, pte, 4, pte & 0xffff_f000L, 4096, linear, access, override);
    }

    private long walk64(long linear, int access, boolean override) {
        combined = USER | WRITE;
        boolean longMode = cpu.longMode();
        int level = longMode ? 4 : 2;
        long table = longMode ? cpu.control(3) & ADDRESS : pdpte(linear, access);
        for (;; level--) {
            long address = table + (linear >>> 12 + 9 * (level - 1) & 0x1ff) * 8;
            long entry = entry(address, 8, linear, access);
            checkReserved(entry, level, linear, access);
            if (level == 1 || (entry & LARGE) != 0) {
                long size = 1L << 12 + 9 * (level - 1);
                return leaf(address, entry, 8, entry & ADDRESS & -size, size, linear, access, override);
            }
            accessed(address, entry);
            table = entry & ADDRESS;
        }
    }

    private long pdpte(long linear, int access) {
        long pdpte = pdptes[(int) (linear >>> 30 & 3)];
        if ((pdpte & PRESENT) == 0) {
            throw pageFault(linear, access);
        }
        return pdpte & ADDRESS;
    }

    /** Reads an entry, checks that it is present and collects its permissions. */
    private long entry(long address, int size, long linear, int access) {
        long entry = readEntry(address, size);
        if ((entry & PRESENT) == 0) {
            throw pageFault(linear, access);
        }
        combined = combined & (entry | NO_EXECUTE) | entry & NO_EXECUTE;
        return entry;
    }

    /** SDM vol. 3A, tables 4-14 to 4-19: address too wide; NX without EFER.NXE; PS in a PML4E; low bits of a large page. */
    private void checkReserved(long entry, int level, long linear, int access) {
        long reserved = TOO_HIGH;
        if (!nxEnabled()) {
            reserved |= NO_EXECUTE;
        }
        if (!cpu.longMode()) {
            reserved |= 0x7ffL << 52;
        }
        if ((entry & LARGE) != 0 && level > 1) {
            reserved |= level == 4 ? LARGE : (1L << 12 + 9 * (level - 1)) - 1 & ~0x1fffL;
        }
        if ((entry & reserved) != 0) {
            throw pageFault(linear, access | Access.PRESENT | Access.RESERVED);
        }
    }

    private long leaf(long address, long entry, int size, long base, long bytes, long linear, int access,
            boolean override) {
        if (!permitted(access, override)) {
            throw pageFault(linear, access | Access.PRESENT);
        }
        boolean write = (access & Access.WRITE) != 0;
        long wanted = entry | ACCESSED | (write ? DIRTY : 0);
        if (wanted != entry && !inspecting) {
            if (!setBits(address, entry, wanted, size)) {
                return CHANGED;
            }
        }
        pageSize = bytes;
        global = (entry & GLOBAL) != 0 && (cpu.control(4) & Control.CR4_PGE) != 0;
        return base | linear & bytes - 1 & -4096L;
    }

    /** Access rights (SDM vol. 3A, section 4.6.1). */
    private boolean permitted(int access, boolean override) {
        if (inspecting) {
            return true;
        }
        boolean userPage = (combined & USER) != 0;
        boolean user = (access & Access.USER) != 0;
        boolean fetch = (access & Access.FETCH) != 0;
        if (user && !userPage || fetch && (combined & NO_EXECUTE) != 0) {
            return false;
        }
        if (!user && userPage && !supervisorMayTouchUser(fetch, override)) {
            return false;
        }
        boolean writable = (combined & WRITE) != 0 || !user && (cpu.control(0) & Control.CR0_WP) == 0;
        return (access & Access.WRITE) == 0 || writable;
    }

    private boolean supervisorMayTouchUser(boolean fetch, boolean override) {
        long cr4 = cpu.control(4);
        return fetch ? (cr4 & Control.CR4_SMEP) == 0 : override || (cr4 & Control.CR4_SMAP) == 0;
    }

    private boolean nxEnabled() {
        return (cpu.msrs.efer() & Control.EFER_NXE) != 0;
    }

    // SAFETY of the three below: an entry is aligned to its size, and so lies inside the host page that the bus gave.

    private void accessed(long address, long entry) {
        if ((entry & ACCESSED) == 0 && !inspecting) {
            long host = bus.hostPage(address & -4096L);
            if (host != 0 && bus.writablePage(address & -4096L)) {
                RawMemory.orInt(host + (address & 4095), (int) ACCESSED);
            }
        }
    }

    /** Sets accessed and dirty bits; false where another processor changed the entry meanwhile. */
    private boolean setBits(long address, long entry, long wanted, int size) {
        long host = bus.hostPage(address & -4096L);
        if (host == 0 || !bus.writablePage(address & -4096L)) {
            return true;
        }
        long at = host + (address & 4095);
        return size == 4
                ? RawMemory.compareAndExchangeInt(at, (int) entry, (int) wanted) == (int) entry
                : RawMemory.compareAndExchangeLong(at, entry, wanted) == entry;
    }

    private long readEntry(long address, int size) {
        long host = bus.hostPage(address & -4096L);
        if (host == 0) {
            return 0; // Page tables outside RAM read as not present.
        }
        return size == 4 ? RawMemory.getInt(host + (address & 4095)) & 0xffff_ffffL
                : RawMemory.getLong(host + (address & 4095));
    }

    /** Error code (SDM vol. 3A, section 4.7): bit 4 only with NX or SMEP in force. */
    private GuestFault pageFault(long linear, int access) {
        int code = access;
        if (!nxEnabled() && (cpu.control(4) & Control.CR4_SMEP) == 0) {
            code &= ~Access.FETCH;
        }
        if (!inspecting) {
            cpu.storeControl(2, linear);
        }
        return cpu.fault(Vector.PF, code);
    }
}
