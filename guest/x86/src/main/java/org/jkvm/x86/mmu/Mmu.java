package org.jkvm.x86.mmu;

import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putLong;

import org.jkvm.linux.RawMemory;
import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Bus;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;

/**
 * Memory as the processor sees it: linear addresses through soft TLBs in native memory. An entry holds two page tags
 * (for reads and writes; an absent one never matches) and what to add to a linear address to get the host's.
 * Everything else (page walks, MMIO, page-crossing accesses, pages with decoded code, watched pages) is the slow path.
 *
 * <p>There are four TLBs, for the ways a linear address can be permitted: supervisor, user, supervisor with SMAP overridden
 * by RFLAGS.AC, and user with alignment checks, which holds fetches only so that every data access is looked at.
 */
public final class Mmu {
    /** Entries a TLB; a power of two. */
    public static final int ENTRIES = 16_384;
    /** Bytes an entry: read tag, write tag, host page, addend. */
    public static final int ENTRY_SIZE = 32;
    private static final int SETS = 4;
    private static final int FETCH_ENTRIES = 16384;
    private static final int PAGE_ID_SIZE = 4;
    /** Offset from the TLBs of the code page ids: 4 bytes an entry, zero where nothing may be fetched. */
    private static final int PAGE_IDS = SETS * ENTRIES * ENTRY_SIZE;
    /** Bytes of all TLBs, code page ids included. */
    public static final int TLB_SIZE = PAGE_IDS + SETS * FETCH_ENTRIES * PAGE_ID_SIZE;
    /** Number of the TLB of CPL 0 to 2. */
    public static final int SUPERVISOR = 0;
    /** Number of the TLB of CPL 3. */
    public static final int USER = 1;
    /** Number of the TLB of CPL 0 to 2 where CR4.SMAP is one and RFLAGS.AC overrides it. */
    public static final int OVERRIDE = 2;
    static final int ALIGNED = 3;
    private static final long PAGE_MASK = -4096L;
    /** Offset in an entry: linear page that may be read. */
    public static final int READ_TAG = 0;
    /** Offset in an entry: linear page that may be written. */
    public static final int WRITE_TAG = 8;
    /** Offset in an entry: host address of the page. */
    public static final int HOST_PAGE = 16;
    /** Offset in an entry: host address minus linear address. */
    public static final int ADDEND = 24;

    /** Locked accesses. */
    public final LockedAccess locked;
    private final X86Cpu cpu;
    private final X86Bus bus;
    private final PageWalker walker;
    // SAFETY: TLB_SIZE bytes of the processor's struct; an index is masked with ENTRIES - 1. An entry's tags match inside
    // one page, for which the bus gave the host page that the addend leads to; what the bus takes back is flushed before
    // it is unmapped.
    private final long tables;
    private final DataTlb data;
    private final FetchTlb fetches;
    private final LargePages large = new LargePages();
    private int selected;
    private long tlb;
    private long systemTlb;
    private CodeWatch codeWatch = CodeWatch.NONE;
    private long epoch = 1;
    private long misses;
    private Speculation speculation;

    /** Made by the processor; {@code tables} is the address of {@link #TLB_SIZE} bytes, all of them zero. */
    public Mmu(X86Cpu cpu, long tables) {
        this.cpu = cpu;
        this.bus = cpu.bus;
        this.locked = new LockedAccess(cpu, this);
        this.tables = tables;
        this.tlb = tables;
        this.systemTlb = tables;
        this.walker = new PageWalker(cpu);
        this.data = new DataTlb(tables, SETS * ENTRIES);
        this.fetches = new FetchTlb(tables + PAGE_IDS, SETS * FETCH_ENTRIES);
    }

    /** Says who wants to know of writes to pages with decoded code. */
    public void watchCode(CodeWatch watch) {
        codeWatch = watch;
    }

    /** The page walker, for control register changes. */
    public PageWalker walker() {
        return walker;
    }

    /** Changes whenever a fetch translation may have changed. */
    public long epoch() {
        return epoch;
    }

    /** TLB misses so far. */
    public long misses() {
        return misses;
    }

    /** Picks the TLB for the present privilege level and RFLAGS.AC; to be called when either changes. */
    public void selectTlb() {
        if (speculation != null) {
            return;
        }
        boolean ac = cpu.flag(Rflags.AC);
        if (cpu.cpl == 3) {
            selected = ac && (cpu.control(0) & Control.CR0_AM) != 0 ? ALIGNED : USER;
        } else {
            selected = ac && (cpu.control(4) & Control.CR4_SMAP) != 0 ? OVERRIDE : SUPERVISOR;
        }
        tlb = tables + (long) selected * ENTRIES * ENTRY_SIZE;
    }

    /** Executes ahead from now on: loads and stores of data are {@code stores}' business, until {@link #settle}. */
    public void speculate(Speculation stores) {
        speculation = stores;
        tlb = stores.missing();
        systemTlb = tlb;
    }

    /** Executes for good again. */
    public void settle() {
        speculation = null;
        systemTlb = tables;
        tlb = tables + (long) selected * ENTRIES * ENTRY_SIZE;
    }

    /** The host address of what is in one page that the TLB knows; anything else stops the speculation. */
    private long known(int set, long linear, int size, int tag) {
        if (!has(set, linear, size, tag)) {
            throw speculation.stop();
        }
        return linear + getLong(tables + (long) index(set, linear) * ENTRY_SIZE + ADDEND);
    }

    /** Whether the TLB that is in use has all of {@code size} bytes at {@code linear} with {@code tag}, for reads or writes. */
    public boolean has(long linear, int size, int tag) {
        return has(selected, linear, size, tag);
    }

    private boolean has(int set, long linear, int size, int tag) {
        return (linear + size - 1 & PAGE_MASK) == getLong(tables + (long) index(set, linear) * ENTRY_SIZE + tag);
    }

    /** Which of the TLBs is in use: 0 to 3. */
    public int selected() {
        return selected;
    }

    /** Offset from the native struct of TLB {@code set}'s first entry. */
    public static int entriesOffset(int set) {
        return CpuState.SIZE + set * ENTRIES * ENTRY_SIZE;
    }

    /** Offset from the native struct of the code page id that TLB {@code set} has for {@code linear}. */
    public static int pageIdOffset(int set, long linear) {
        return CpuState.SIZE + PAGE_IDS + fetchIndex(set, linear) * PAGE_ID_SIZE;
    }

    /**
     * A number for code made from the page of {@code linear} while that led to {@code physical}, never zero, to be given back
     * by {@link #releaseCodePage}. It stands in the code page ids while the page may be fetched and leads there.
     */
    public int holdCodePage(long linear, long physical) {
        return fetches.hold(linear & PAGE_MASK, physical & PAGE_MASK);
    }

    /** Has {@code linear}'s page known by its number, if it leads where it led then. Raises what fetching raises. */
    public void identifyCodePage(long linear, long physical, int id) {
        if (((fetch(linear) ^ physical) & PAGE_MASK) == 0) {
            fetches.identify(fetchIndex(selected, linear), id);
        }
    }

    /** Gives back a number for code of the page of {@code linear}, which led to {@code physical} then. */
    public void releaseCodePage(long linear, long physical) {
        fetches.release(linear & PAGE_MASK, physical & PAGE_MASK, fetchIndex(SUPERVISOR, linear), fetchIndex(USER, linear),
                fetchIndex(OVERRIDE, linear), fetchIndex(ALIGNED, linear));
    }

    // ---- reading ----

    /** Reads {@code size} (1, 2, 4, 8) bytes at {@code linear}, zero-extended. */
    public long load(long linear, int size) {
        long entry = tlb + ((linear >>> 12 & ENTRIES - 1) << 5);
        return (linear + size - 1 & PAGE_MASK) == getLong(entry + READ_TAG)
                ? HostAccess.read(linear + getLong(entry + ADDEND), size) : loadSlow(selected, linear, size);
    }

    /** Reads 8 bytes. */
    public long load64(long linear) {
        long entry = tlb + ((linear >>> 12 & ENTRIES - 1) << 5);
        return (linear + 7 & PAGE_MASK) == getLong(entry + READ_TAG)
                ? getLong(linear + getLong(entry + ADDEND)) : loadSlow(selected, linear, 8);
    }

    /** Reads 4 bytes, zero-extended. */
    public long load32(long linear) {
        long entry = tlb + ((linear >>> 12 & ENTRIES - 1) << 5);
        return ((linear + 3 & PAGE_MASK) == getLong(entry + READ_TAG)
                ? RawMemory.getInt(linear + getLong(entry + ADDEND)) : loadSlow(selected, linear, 4)) & 0xffff_ffffL;
    }

    /** Reads as the supervisor does whatever the CPL: descriptor tables and task state (SDM vol. 3A, section 4.6). */
    public long loadSystem(long linear, int size) {
        long entry = systemTlb + ((linear >>> 12 & ENTRIES - 1) << 5);
        return (linear + size - 1 & PAGE_MASK) == getLong(entry + READ_TAG)
                ? HostAccess.read(linear + getLong(entry + ADDEND), size) : loadSlow(SUPERVISOR, linear, size);
    }

    /** The host address of {@code size} readable bytes, or 0 where the slow path must read them. */
    public long hostForRead(long linear, int size) {
        long entry = tlb + ((linear >>> 12 & ENTRIES - 1) << 5);
        return (linear + size - 1 & PAGE_MASK) == getLong(entry + READ_TAG) ? linear + getLong(entry + ADDEND) : 0;
    }

    // ---- writing ----

    /** Writes the low {@code size} (1, 2, 4, 8) bytes of {@code value} at {@code linear}. */
    public void store(long linear, int size, long value) {
        long entry = tlb + ((linear >>> 12 & ENTRIES - 1) << 5);
        if ((linear + size - 1 & PAGE_MASK) == getLong(entry + WRITE_TAG)) {
            HostAccess.write(linear + getLong(entry + ADDEND), size, value);
        } else {
            storeSlow(selected, linear, size, value);
        }
    }

    /** Writes 8 bytes. */
    public void store64(long linear, long value) {
        long entry = tlb + ((linear >>> 12 & ENTRIES - 1) << 5);
        if ((linear + 7 & PAGE_MASK) == getLong(entry + WRITE_TAG)) {
            putLong(linear + getLong(entry + ADDEND), value);
        } else {
            storeSlow(selected, linear, 8, value);
        }
    }

    /** Writes 4 bytes. */
    public void store32(long linear, int value) {
        long entry = tlb + ((linear >>> 12 & ENTRIES - 1) << 5);
        if ((linear + 3 & PAGE_MASK) == getLong(entry + WRITE_TAG)) {
            RawMemory.putInt(linear + getLong(entry + ADDEND), value);
        } else {
            storeSlow(selected, linear, 4, value);
        }
    }

    /** Writes as the supervisor does whatever the CPL. */
    public void storeSystem(long linear, int size, long value) {
        storeSlow(SUPERVISOR, linear, size, value);
    }

    /** The host address of {@code size} writable bytes, or 0 where the slow path must write them. */
    public long hostForWrite(long linear, int size) {
        long entry = tlb + ((linear >>> 12 & ENTRIES - 1) << 5);
        return (linear + size - 1 & PAGE_MASK) == getLong(entry + WRITE_TAG) ? linear + getLong(entry + ADDEND) : 0;
    }

    /** Raises what a write of {@code size} bytes in one page would raise; returns their guest physical address. */
    long writable(long linear, int size) {
        checkAlignment(selected, linear, size);
        return translate(selected, linear, Access.WRITE);
    }

    /** Whether only what the TLB knows may be accessed. */
    boolean speculates() {
        return speculation != null;
    }

    /** Tells of bytes at a guest physical address that were written, and may have been decoded. */
    void tellOfCode(long address, int size) {
        codeWatch.written(address, size);
        bus.codeWritten(address, size);
    }

    /** Raises what a read of {@code size} bytes would raise, reading nothing; sets accessed bits. */
    public void probeRead(long linear, int size) {
        if (speculation != null) {
            known(selected, linear, 1, READ_TAG);
            known(selected, offset(linear, size - 1), 1, READ_TAG);
        } else if (hostForRead(linear, size) == 0) {
            probe(linear, size, Access.READ);
        }
    }

    /** Raises what a write of {@code size} bytes would raise, writing nothing; sets accessed and dirty bits. */
    public void probeWrite(long linear, int size) {
        if (speculation != null) {
            known(selected, linear, 1, WRITE_TAG);
            known(selected, offset(linear, size - 1), 1, WRITE_TAG);
        } else if (hostForWrite(linear, size) == 0) {
            probe(linear, size, Access.WRITE);
        }
    }

    private void probe(long linear, int size, int access) {
        translate(selected, linear, access);
        if ((linear & 4095) + size > 4096) {
            translate(selected, next(linear), access);
        }
    }

    // ---- fetching ----

    /**
     * Translates a fetch.
     *
     * @return the guest physical address of {@code linear}
     */
    public long fetch(long linear) {
        long page = fetches.find(fetchIndex(selected, linear), linear & PAGE_MASK);
        if (page != FetchTlb.ABSENT) {
            return page | linear & 4095;
        }
        return translate(selected, linear, Access.FETCH);
    }

    /** Translates without touching anything; -1 where nothing is mapped. */
    public long inspect(long linear) {
        return walker.inspect(linear);
    }

    // ---- flushing ----

    /** Drops everything, global pages too. */
    public void flushAll() {
        fetches.flush(true);
        data.flush(true);
        large.forget();
        epoch++;
    }

    /** Drops everything but global pages: a write of CR3. */
    public void flushNonGlobal() {
        if ((cpu.control(4) & Control.CR4_PGE) == 0) {
            flushAll();
            return;
        }
        fetches.flush(false);
        data.flush(false);
        epoch++;
    }

    /** Drops the page of {@code linear}: INVLPG. A page inside a large one takes all with it. */
    public void flushPage(long linear) {
        if (large.mayHold(linear)) {
            flushAll();
            return;
        }
        for (int set = 0; set < SETS; set++) {
            data.drop(index(set, linear));
            fetches.drop(fetchIndex(set, linear));
        }
        epoch++;
    }

    /** Drops the write tags of a physical page, in all TLBs: it holds decoded code, or is logged. */
    public void protectPage(long physicalPage) {
        data.protect(physicalPage);
    }

    // ---- the slow path ----

    private long loadSlow(int set, long linear, int size) {
        boolean crosses = (linear & 4095) + size > 4096;
        if (speculation != null) {
            return crosses ? joined(set, linear, size) : speculation.load(known(set, linear, size, READ_TAG), size);
        }
        checkAlignment(set, linear, size);
        if (crosses) {
            translate(set, linear, Access.READ);
            translate(set, next(linear), Access.READ);
            return joined(set, linear, size);
        }
        long address = translate(set, linear, Access.READ);
        cpu.debug.watchRead(linear, size);
        long host = bus.hostPage(address & PAGE_MASK);
        return host != 0 ? HostAccess.read(host + (address & 4095), size) : mmioLoad(address, size);
    }

    /** SDM vol. 3A, section 6.15, #AC: operands of 2, 4 and 8 bytes at CPL 3, with CR0.AM and RFLAGS.AC. */
    private void checkAlignment(int set, long linear, int size) {
        if (set == ALIGNED && (linear & size - 1) != 0) {
            throw cpu.fault(Vector.AC, 0);
        }
    }

    private long joined(int set, long linear, int size) {
        long value = 0;
        for (int n = 0; n < size; n++) {
            value |= (set == selected ? load(offset(linear, n), 1) : loadSlow(set, offset(linear, n), 1) & 0xff) << 8 * n;
        }
        return value;
    }

    private long mmioLoad(long address, int size) {
        return bus.mmioRead(address, size) & (size == 8 ? -1L : (1L << 8 * size) - 1);
    }

    private void storeSlow(int set, long linear, int size, long value) {
        boolean crosses = (linear & 4095) + size > 4096;
        if (speculation != null && !crosses) {
            speculation.store(known(set, linear, size, WRITE_TAG), size, value);
            return;
        }
        checkAlignment(set, linear, size);
        if (crosses) {
            storeAcross(set, linear, size, value);
            return;
        }
        long address = translate(set, linear, Access.WRITE);
        cpu.debug.watchWrite(linear, size);
        long page = address & PAGE_MASK;
        if (!bus.writablePage(page)) {
            bus.mmioWrite(address, size, value);
            return;
        }
        HostAccess.write(bus.hostPage(page) + (address & 4095), size, value);
        if (bus.holdsCode(page)) {
            tellOfCode(address, size);
            permitWrites(index(set, linear), linear & PAGE_MASK, page);
        }
    }

    private void storeAcross(int set, long linear, int size, long value) {
        if (speculation == null) {
            translate(set, linear, Access.WRITE);
            translate(set, next(linear), Access.WRITE);
        }
        for (int n = 0; n < size; n++) {
            if (set == selected) {
                store(offset(linear, n), 1, value >>> 8 * n);
            } else {
                storeSlow(set, offset(linear, n), 1, value >>> 8 * n);
            }
        }
    }

    /** Lets {@code page} be written at full speed where nobody keeps its code, or not any more. */
    private void permitWrites(int index, long linearPage, long page) {
        if (getLong(tables + (long) index * ENTRY_SIZE + READ_TAG) == linearPage) {
            data.permitWrites(index, bus.writablePage(page) && !bus.holdsCode(page));
        }
    }

    /** Linear addresses wrap at 4 GiB outside 64-bit mode. */
    private long offset(long linear, int n) {
        return cpu.codeBits == 64 ? linear + n : linear + n & 0xffff_ffffL;
    }

    private long next(long linear) {
        return offset(linear & PAGE_MASK, 4096);
    }

    /** Walks, checks, sets accessed and dirty, fills the entry; returns the guest physical address. */
    private long translate(int set, long linear, int access) {
        if (speculation != null) {
            throw speculation.stop();
        }
        misses++;
        if (cpu.longMode() && linear << 16 >> 16 != linear) {
            throw cpu.nonCanonical();
        }
        long page = walker.walk(linear, access, set == USER || set == ALIGNED, set == OVERRIDE);
        fill(set, linear & PAGE_MASK, page, access);
        return page | linear & 4095;
    }

    private void fill(int set, long linearPage, long page, int access) {
        large.note(linearPage, walker.pageSize());
        if (access == Access.FETCH) {
            fetches.fill(fetchIndex(set, linearPage), linearPage, page, walker.global());
            return;
        }
        long host = bus.hostPage(page);
        if (host == 0 || set == ALIGNED || cpu.debug.watches(linearPage)) {
            return;
        }
        data.fill(index(set, linearPage), linearPage, page, host, walker.global());
        if (access == Access.WRITE) {
            permitWrites(index(set, linearPage), linearPage, page);
        }
    }

    private static int fetchIndex(int set, long linear) {
        return set * FETCH_ENTRIES + (int) (linear >>> 12 & FETCH_ENTRIES - 1);
    }

    private static int index(int set, long linear) {
        return set * ENTRIES + (int) (linear >>> 12 & ENTRIES - 1);
    }
}
