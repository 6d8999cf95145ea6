package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.BYTE;
import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x86.translate.HostRegisters.ADDRESS;
import static org.jkvm.x86.translate.HostRegisters.OTHER;
import static org.jkvm.x86.translate.HostRegisters.STRUCT;
import static org.jkvm.x86.translate.HostRegisters.TEMP;

import org.jkvm.x64.ArithmeticInstructions.Alu;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.CodeCache;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.Label;
import org.jkvm.x64.Mem;
import org.jkvm.x64.Rep;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.CpuState;

/**
 * What generated code calls for operands in two pages: {@link Crossing}. The copy is at {@link CpuState#CROSSING}: the last bytes
 * of the first page, then the first of the second, as many whatever the operand, which has its place across the middle.
 */
final class CrossingStubs {
    /** The longest operand. */
    static final int MOST_BYTES = 32;
    private static final int PAGE = MemoryCode.PAGE;
    private static final int MIDDLE = CpuState.CROSSING + MOST_BYTES;
    private static final int SECOND_PAGE = CpuState.CROSSING_PAGES + Long.BYTES;
    private static final int TLBS = Mmu.OVERRIDE + 1;
    /** By so much a call moved RSP. */
    private static final int CALLED = 8;

    private final long[] copies = new long[TLBS << 2];
    /**
     * Called to write the operand, TEMP bytes, into the pages. Flags stay; ADDRESS, TEMP and OTHER are used. No byte beside it
     * is written: it may be another processor's.
     */
    final long writeBack;

    /** Places them. */
    CrossingStubs(CodeCache cache) {
        for (int n = 0; n < copies.length; n++) {
            int bytes = (n & 2) != 0 ? MOST_BYTES : Long.BYTES;
            copies[n] = cache.placePermanent(copy(cache.nextPermanent(), n >> 2, (n & 1) != 0, bytes));
        }
        writeBack = cache.placePermanent(writeBack(cache.nextPermanent()));
    }

    /**
     * Called to copy an operand of up to {@code size} bytes, flags spared. ADDRESS is its linear address minus the tag of soft TLB
     * {@code tlb}'s entry for that, whose offset is in TEMP; TEMP is used. ZF says whether both pages may be read, or with
     * {@code write} written; ADDRESS is the copy's address then.
     */
    long copy(int tlb, boolean write, int size) {
        return copies[tlb << 2 | (size > Long.BYTES ? 2 : 0) | (write ? 1 : 0)];
    }

    private static byte[] copy(long origin, int tlb, boolean write, int bytes) {
        Assembler a = new Assembler(origin);
        Label unknown = new Label();
        Label end = new Label();
        int tag = write ? Mmu.WRITE_TAG : Mmu.READ_TAG;
        a.cmp(QWORD, ADDRESS, PAGE - 1);
        a.j(Cond.A, unknown);
        a.mov(QWORD, field(CpuState.CROSSING_SAVED), OTHER);
        a.mov(QWORD, OTHER, entry(tlb, Mmu.HOST_PAGE));
        a.mov(QWORD, field(CpuState.CROSSING_PAGES), OTHER);
        a.mov(QWORD, OTHER, entry(tlb, tag));
        a.cmp(DWORD, OTHER, -PAGE - 1);
        a.j(Cond.A, end); // At 4 GiB there may be a segment's end, and addresses begin again outside 64-bit mode.
        a.lea(QWORD, OTHER, Mem.at(OTHER, PAGE));
        a.add(DWORD, TEMP, Mmu.ENTRY_SIZE);
        a.and(DWORD, TEMP, MemoryCode.ENTRY_MASK);
        a.alu(Alu.CMP, QWORD, OTHER, entry(tlb, tag));
        a.j(Cond.NE, end);
        a.mov(QWORD, TEMP, entry(tlb, Mmu.HOST_PAGE));
        a.mov(QWORD, field(SECOND_PAGE), TEMP);
        copy(a, 0, MIDDLE, bytes);
        a.mov(QWORD, TEMP, field(CpuState.CROSSING_PAGES));
        copy(a, PAGE - bytes, MIDDLE - bytes, bytes);
        a.mov(QWORD, field(CpuState.CROSSING_OFFSET), ADDRESS);
        a.lea(QWORD, ADDRESS, new Mem(STRUCT, ADDRESS, 1, CALLED + MIDDLE - PAGE));
        a.bind(end);
        a.mov(QWORD, OTHER, field(CpuState.CROSSING_SAVED));
        a.bind(unknown);
        a.ret();
        return a.toByteArray();
    }

    /** Copies from TEMP to the struct by OTHER, in 8 bytes. */
    private static void copy(Assembler a, int from, int to, int bytes) {
        for (int n = 0; n < bytes; n += Long.BYTES) {
            a.mov(QWORD, OTHER, Mem.at(TEMP, from + n));
            a.mov(QWORD, field(to + n), OTHER);
        }
    }

    private static byte[] writeBack(long origin) {
        Assembler a = new Assembler(origin);
        Gpr[] used = {Gpr.RCX, Gpr.RSI, Gpr.RDI};
        for (int n = 0; n < used.length; n++) {
            a.mov(QWORD, field(CpuState.CROSSING_SAVED + n * Long.BYTES), used[n]);
        }
        a.mov(QWORD, ADDRESS, field(CpuState.CROSSING_OFFSET));
        a.lea(QWORD, Gpr.RSI, new Mem(STRUCT, ADDRESS, 1, CALLED + MIDDLE - PAGE));
        a.mov(QWORD, Gpr.RDI, field(CpuState.CROSSING_PAGES));
        a.lea(QWORD, Gpr.RDI, new Mem(Gpr.RDI, ADDRESS, 1, 0));
        a.mov(QWORD, Gpr.RCX, ADDRESS);
        a.not(QWORD, Gpr.RCX); // Minus the offset is that and 1.
        a.lea(QWORD, Gpr.RCX, Mem.at(Gpr.RCX, PAGE + 1));
        a.lea(QWORD, TEMP, new Mem(TEMP, ADDRESS, 1, -PAGE));
        a.movs(Rep.REP, BYTE);
        a.mov(QWORD, Gpr.RDI, field(SECOND_PAGE));
        a.mov(QWORD, Gpr.RCX, TEMP);
        a.movs(Rep.REP, BYTE);
        for (int n = 0; n < used.length; n++) {
            a.mov(QWORD, used[n], field(CpuState.CROSSING_SAVED + n * Long.BYTES));
        }
        a.ret();
        return a.toByteArray();
    }

    private static Mem entry(int tlb, int field) {
        return Mem.at(STRUCT, TEMP, 1, CALLED + Mmu.entriesOffset(tlb) + field);
    }

    private static Mem field(int offset) {
        return HostRegisters.field(CALLED + offset);
    }
}
