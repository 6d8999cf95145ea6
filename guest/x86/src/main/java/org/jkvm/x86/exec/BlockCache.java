package org.jkvm.x86.exec;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import org.jkvm.linux.RawMemory;
import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Decoder;
import org.jkvm.x86.isa.Handler;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.isa.OpcodeTable;
import org.jkvm.x86.mmu.CodeWatch;
import org.jkvm.x86.state.Segment;

/**
 * Decoded instructions, kept by physical address and found by linear address. A write to a page that code was decoded
 * from drops the blocks that it may have changed: self-modifying code just works.
 */
final class BlockCache implements CodeWatch {
    private static final int MAX_INSNS = 32;
    private static final int JUMP_ENTRIES = 8192;
    /** {@link BlockMap#weight} kept, some 200 bytes each with what hangs on them. */
    static final int MOST_KEPT = 500_000;
    static final long NO_PAGE = -1;

    private final X86Cpu cpu;
    private final Decoder decoder;
    private final BlockMap blocks = new BlockMap();
    private final WatchedPages pages = new WatchedPages();
    private final Block[] jumps = new Block[JUMP_ENTRIES];
    private final ForgottenBlocks forgotten = new ForgottenBlocks();
    private final byte[] window = new byte[Decoder.MAX_LENGTH];
    private final Predicate<Block> secondPageHolds = this::secondPageHolds;
    private NativeBlocks natives;
    private int mostKept = MOST_KEPT;
    private long decoded;
    private long invalidated;

    BlockCache(X86Cpu cpu) {
        this.cpu = cpu;
        this.decoder = new Decoder(OpcodeTable.x86(), cpu.cpuid.features());
        cpu.mmu.watchCode(this);
    }

    /** Blocks decoded so far. */
    long decoded() {
        return decoded;
    }

    /** Blocks dropped because their bytes were written. */
    long invalidated() {
        return invalidated;
    }

    /** Keeps no more than {@code insns} instructions from now on. */
    void keepAtMost(int insns) {
        mostKept = insns;
    }

    /** Blocks kept now. */
    int size() {
        return blocks.size();
    }

    /** What decoded and translated code depends on beside the bytes: {@link CodeMode}. */
    static long mode(X86Cpu cpu) {
        return CodeMode.of(cpu);
    }

    /** The block at {@code cpu.rip}, decoded if need be. Raises what fetching it raises. */
    Block find() {
        long linear = linear();
        long mode = mode(cpu);
        int slot = (int) (linear ^ linear >>> 13) & JUMP_ENTRIES - 1;
        Block b = jumps[slot];
        long epoch = cpu.mmu.epoch();
        if (b != null && b.linear == linear && b.mode == mode && b.epoch == epoch && b.valid) {
            return b;
        }
        long physical = cpu.mmu.fetch(linear);
        b = blocks.find(linear, physical, mode, secondPageHolds);
        if (b == null) {
            b = make(linear, physical, mode);
        }
        b.epoch = cpu.mmu.epoch();
        jumps[slot] = b;
        return b;
    }

    private Block make(long linear, long physical, long mode) {
        makeRoom();
        Block twin = cpu.codeBits == 64 ? blocks.newest(physical, mode) : null;
        boolean isTwin = twin != null && twin.isWithinPage();
        Block b = isTwin ? twin.at(linear) : decode(linear, physical, true);
        forgotten.warm(b);
        keep(b);
        Block surplus = blocks.surplus(b);
        if (surplus != null) {
            forget(surplus);
        }
        return b;
    }

    /** Decodes the one instruction at {@code cpu.rip}, kept nowhere. */
    Block single() {
        long linear = linear();
        return decode(linear, cpu.mmu.fetch(linear), false);
    }

    /** Linear address of {@code cpu.rip}. */
    long linear() {
        return cpu.codeBits == 64 ? cpu.rip : cpu.segments.base(Segment.CS) + cpu.rip & 0xffff_ffffL;
    }

    /** Says who has translations of blocks. */
    void translateWith(NativeBlocks translations) {
        natives = translations;
    }

    /** Drops every block. */
    void clear() {
        if (natives != null) {
            natives.clear();
        }
        blocks.clear();
        pages.forEachAddress(cpu.bus::forgetting);
        pages.clear();
        Arrays.fill(jumps, null);
    }

    private boolean secondPageHolds(Block b) {
        return b.secondPage == NO_PAGE || cpu.mmu.fetch(b.secondLinear()) == b.secondPage;
    }

    private void keep(Block b) {
        blocks.add(b);
        int from = (int) (b.physical & 4095);
        int to = from + b.length - 1;
        watch(b.physical & -4096L).add(b, from, Math.min(to, 4095));
        if (b.secondPage != NO_PAGE) {
            watch(b.secondPage).add(b, 0, to - 4096);
        }
    }

    /**
     * Goes round the pages and drops what was not executed often enough to be translated; and a page as a whole where no
     * translation was entered since it came by last. Before anything is decoded: what is dropped may be on the same page.
     */
    private void makeRoom() {
        while (blocks.weight() > mostKept) {
            CodePage page = pages.first();
            page.takeCold().forEach(b -> drop(b, page));
            if (page.wasUsed()) {
                pages.putLast(page);
            } else {
                drop(page);
            }
        }
    }

    // ---- writes to code ----

    @Override
    public void written(long address, int size) {
        CodePage page = pages.get(address & -4096L);
        if (page == null) {
            return;
        }
        if (natives != null && page.isCold()) {
            forget(page);
            return;
        }
        int from = (int) (address & 4095);
        List<Block> hit = page.covers(from, from + size - 1) ? page.take(from, from + size - 1) : List.of();
        if (!hit.isEmpty()) {
            hit.forEach(b -> drop(b, page));
            cpu.leaveBlock = true;
        }
        if (page.isEmpty() || page.isMostlyData()) {
            forget(page);
        }
    }

    /** Lets a page be written at full speed until it is executed again. */
    private void forget(CodePage page) {
        for (Block b : page.blocks()) {
            forgotten.add(b);
        }
        drop(page);
    }

    private void drop(CodePage page) {
        for (Block b : page.blocks()) {
            drop(b, page);
        }
        pages.remove(page);
        cpu.bus.forgetting(page.address);
        cpu.leaveBlock = true;
    }

    /** Drops a block of {@code page}; another that it lies in forgets it. */
    private void drop(Block b, CodePage page) {
        long other = b.secondPage == page.address ? b.physical & -4096L : b.secondPage;
        if (other != NO_PAGE && other != page.address) {
            pages.get(other).remove(b);
        }
        drop(b);
    }

    private void forget(Block b) {
        pages.get(b.physical & -4096L).remove(b);
        if (b.secondPage != NO_PAGE) {
            pages.get(b.secondPage).remove(b);
        }
        drop(b);
    }

    private void drop(Block b) {
        if (!b.valid) {
            return; // It begins and ends on the same page.
        }
        b.valid = false;
        if (b.translation != null) {
            natives.drop(b);
        }
        invalidated++;
        b.unlink();
        blocks.remove(b);
    }

    // ---- decoding ----

    /** Before the first byte is looked at: from here on every write to the page is told. */
    private CodePage watch(long address) {
        CodePage known = pages.get(address);
        if (known != null) {
            return known;
        }
        CodePage page = pages.add(address);
        cpu.bus.decoding(address);
        cpu.mmu.protectPage(address);
        return page;
    }

    private Block decode(long linear, long physical, boolean kept) {
        decoded++;
        if (kept) {
            watch(physical & -4096L);
        }
        int most = kept ? MAX_INSNS : 1;
        List<Insn> insns = new ArrayList<>();
        int inPage = (int) (4096 - (linear & 4095));
        int length = 0;
        long secondPage = NO_PAGE;
        while (insns.size() < most && length < inPage) {
            Insn i = new Insn();
            i.start = (short) length;
            int available = fill(linear + length, physical + length, inPage - length);
            Decoder.Status status = decoder.decode(window, 0, available, cpu.codeBits, i);
            if (status == Decoder.Status.TRUNCATED) {
                if (!insns.isEmpty()) {
                    break; // It gets a block of its own, so that its second page is touched only when it is executed.
                }
                secondPage = fillAcross(linear, available, kept);
                i = new Insn();
                status = decoder.decode(window, 0, Decoder.MAX_LENGTH, cpu.codeBits, i);
            }
            settle(i, status);
            insns.add(i);
            length = i.end;
            if (i.row == null || i.row.isBlockEnd()) {
                break;
            }
        }
        checkLimit(length, insns);
        int end = insns.getLast().end;
        return new Block(linear, physical, end > inPage ? secondPage : NO_PAGE, Block.Context.of(cpu), insns.toArray(new Insn[0]),
                end);
    }

    private static void settle(Insn i, Decoder.Status status) {
        switch (status) {
            case OK -> i.handler = QuickForms.of(i);
            case TOO_LONG -> undefined(i, (cpu, insn) -> {
                throw cpu.fault(Vector.GP, 0);
            });
            case UNDEFINED, TRUNCATED -> undefined(i, (cpu, insn) -> {
                throw cpu.fault(Vector.UD);
            });
        }
    }

    private static void undefined(Insn i, Handler handler) {
        i.handler = handler;
        i.row = null;
    }

    /** Outside 64-bit mode the bytes must lie within the code segment's limit (SDM vol. 3A, section 5.3); IP is 16 bits wide. */
    private void checkLimit(int length, List<Insn> insns) {
        if (cpu.codeBits == 64) {
            return;
        }
        long limit = cpu.segments.limit(Segment.CS);
        if (cpu.rip + insns.getFirst().end - 1 > limit) {
            throw cpu.fault(Vector.GP, 0);
        }
        long last = cpu.codeBits == 16 ? Math.min(limit, 0xffff) : limit;
        while (insns.size() > 1 && cpu.rip + insns.getLast().end - 1 > last) {
            insns.removeLast();
        }
    }

    /** Copies the bytes up to the end of the page, 15 at most. */
    private int fill(long linear, long physical, int inPage) {
        int count = Math.min(Decoder.MAX_LENGTH, inPage);
        long host = cpu.bus.hostPage(physical & -4096L);
        // SAFETY: no byte is beyond the page, whose host page the bus gave.
        for (int n = 0; n < count; n++) {
            window[n] = host != 0 ? (byte) RawMemory.getByte(host + (physical & 4095) + n)
                    : (byte) cpu.bus.mmioRead(physical + n, 1);
        }
        return count;
    }

    /** Copies what follows on the next page, which must be there; returns its physical address. */
    private long fillAcross(long linear, int have, boolean kept) {
        long next = linear + have;
        long physical = cpu.mmu.fetch(cpu.codeBits == 64 ? next : next & 0xffff_ffffL);
        if (kept) {
            watch(physical & -4096L);
        }
        long host = cpu.bus.hostPage(physical & -4096L);
        // SAFETY: fewer than 15 bytes from the start of a page, whose host page the bus gave.
        for (int n = have; n < Decoder.MAX_LENGTH; n++) {
            int at = n - have;
            window[n] = (byte) (host != 0 ? RawMemory.getByte(host + at) : cpu.bus.mmioRead(physical + at, 1));
        }
        return physical;
    }
}
