package org.jkvm.x86.exec;

import java.lang.foreign.MemorySegment;
import org.jkvm.linux.RawMemory;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.mmu.HostAccess;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;

/**
 * String instructions with their REP forms. Registers advance after each item, so that a fault or an interrupt in the
 * middle leaves them pointing at the item that is due (SDM vol. 2B, REP). MOVS and STOS go a page at a time at host speed
 * where both ends are plain RAM.
 */
public final class Strings {
    private static final int RAX = CpuState.GENERAL;
    private static final int RCX = CpuState.GENERAL + 8;
    private static final int RSI = CpuState.GENERAL + 48;
    private static final int RDI = CpuState.GENERAL + 56;
    private static final int ITEMS_BETWEEN_CHECKS = 4096;
    private static final int ROUNDS_BETWEEN_LOOKS = 16;
    /** So few items are not worth more than one look each. */
    private static final int FEW = 8;

    private Strings() {
    }

    /** One item; returns whether a REPE/REPNE may go on. */
    @FunctionalInterface
    interface Item {
        boolean execute(X86Cpu c, Insn i, int size);
    }

    /** Repeats {@code item} as the prefix says; leaves with RIP at the instruction where it has to come back. */
    static void repeat(X86Cpu c, Insn i, int size, Item item) {
        if (i.rep == 0) {
            item.execute(c, i, size);
            return;
        }
        long count = c.reg(RCX, i.addressSize);
        boolean singly = c.flag(Rflags.TF);
        for (int n = 0; count != 0; n++) {
            if (n == ITEMS_BETWEEN_CHECKS || singly && n == 1 || c.leaveBlock && n > 0) {
                again(c, i);
                return;
            }
            boolean more = item.execute(c, i, size);
            count--;
            c.setReg(RCX, i.addressSize, count);
            c.bus.retired();
            if (!more) {
                return;
            }
        }
    }

    private static void again(X86Cpu c, Insn i) {
        c.rip -= i.length();
        c.leaveBlock = true;
    }

    private static long step(X86Cpu c, int size) {
        return c.flag(Rflags.DF) ? -size : size;
    }

    private static long source(X86Cpu c, Insn i, int size) {
        return c.linear(i.segment, c.general(6) & i.addressMask, size, false);
    }

    private static long target(X86Cpu c, Insn i, int size, boolean write) {
        return c.linear(Segment.ES, c.general(7) & i.addressMask, size, write);
    }

    private static void advance(X86Cpu c, Insn i, int register, long step) {
        c.setReg(register, i.addressSize, c.reg(register, i.addressSize) + step);
    }

    // ---- MOVS and STOS, in bulk where both ends are plain RAM ----

    /** Several items at once; returns how many, 0 where it has to be one. */
    @FunctionalInterface
    private interface Bulk {
        long execute(X86Cpu c, Insn i, int size, long count);
    }

    private static void repeatInBulk(X86Cpu c, Insn i, int size, Bulk bulk, Item item) {
        if (i.rep == 0 || c.flag(Rflags.DF | Rflags.TF)) {
            repeat(c, i, size, item);
            return;
        }
        long count = c.reg(RCX, i.addressSize);
        for (int n = 0; count != 0; n++) {
            if (c.leaveBlock && n > 0 || n % ROUNDS_BETWEEN_LOOKS == ROUNDS_BETWEEN_LOOKS - 1 && c.requests() != 0) {
                again(c, i);
                return;
            }
            long done = count < FEW ? 0 : bulk.execute(c, i, size, count);
            if (done == 0) {
                item.execute(c, i, size);
                done = 1;
            }
            count -= done;
            c.setReg(RCX, i.addressSize, count);
            c.bus.retired();
        }
    }

    /** MOVS. */
    public static void movs(X86Cpu c, Insn i) {
        repeatInBulk(c, i, i.dstSize, Strings::bulkMove, Strings::moveItem);
    }

    private static boolean moveItem(X86Cpu c, Insn i, int size) {
        long value = c.mmu.load(source(c, i, size), size);
        c.mmu.store(target(c, i, size, true), size, value);
        advance(c, i, RSI, step(c, size));
        advance(c, i, RDI, step(c, size));
        return true;
    }

    /** Moves what fits into the present pages. */
    private static long bulkMove(X86Cpu c, Insn i, int size, long count) {
        long from = source(c, i, size);
        long to = target(c, i, size, true);
        long items = Math.min(count, Math.min(4096 - (from & 4095), 4096 - (to & 4095)) / size);
        int bytes = (int) items * size;
        if (items < FEW || wraps(c, i, bytes)) {
            return 0;
        }
        source(c, i, bytes);
        target(c, i, bytes, true);
        c.mmu.probeRead(from, bytes);
        c.mmu.probeWrite(to, bytes);
        long hostFrom = c.mmu.hostForRead(from, bytes);
        long hostTo = c.mmu.hostForWrite(to, bytes);
        if (hostFrom == 0 || hostTo == 0 || hostTo > hostFrom && hostTo < hostFrom + bytes) {
            return 0;
        }
        // SAFETY: both ranges lie inside one page each, which the TLB holds for reading and for writing.
        RawMemory.copy(hostFrom, hostTo, bytes);
        advance(c, i, RSI, bytes);
        advance(c, i, RDI, bytes);
        return items;
    }

    /** Whether an index would wrap in its address size on the way. */
    private static boolean wraps(X86Cpu c, Insn i, int bytes) {
        return i.addressSize != 8 && ((c.general(6) & i.addressMask) + bytes > i.addressMask
                || (c.general(7) & i.addressMask) + bytes > i.addressMask);
    }

    /** STOS. */
    public static void stos(X86Cpu c, Insn i) {
        repeatInBulk(c, i, i.dstSize, Strings::bulkStore, Strings::storeItem);
    }

    private static boolean storeItem(X86Cpu c, Insn i, int size) {
        c.mmu.store(target(c, i, size, true), size, c.reg(RAX, size));
        advance(c, i, RDI, step(c, size));
        return true;
    }

    private static long bulkStore(X86Cpu c, Insn i, int size, long count) {
        long to = target(c, i, size, true);
        long items = Math.min(count, (4096 - (to & 4095)) / size);
        int bytes = (int) items * size;
        if (items < FEW || wraps(c, i, bytes)) {
            return 0;
        }
        target(c, i, bytes, true);
        c.mmu.probeWrite(to, bytes);
        long host = c.mmu.hostForWrite(to, bytes);
        if (host == 0) {
            return 0;
        }
        // SAFETY: the range lies inside one page, which the TLB holds for writing.
        fill(RawMemory.segment(host, bytes), c.reg(RAX, size), size);
        advance(c, i, RDI, bytes);
        return items;
    }

    private static void fill(MemorySegment target, long value, int size) {
        if (value == 0 || size == 1) {
            target.fill((byte) value);
            return;
        }
        for (long at = 0; at < target.byteSize(); at += size) {
            HostAccess.write(target.address() + at, size, value);
        }
    }

    // ---- LODS, SCAS, CMPS ----

    /** LODS. */
    public static void lods(X86Cpu c, Insn i) {
        repeat(c, i, i.srcSize, (cpu, insn, size) -> {
            cpu.setReg(RAX, size, cpu.mmu.load(source(cpu, insn, size), size));
            advance(cpu, insn, RSI, step(cpu, size));
            return true;
        });
    }

    /** SCAS. */
    public static void scas(X86Cpu c, Insn i) {
        repeat(c, i, i.srcSize, (cpu, insn, size) -> {
            Alu.difference(cpu, size, cpu.reg(RAX, size), cpu.mmu.load(target(cpu, insn, size, false), size), 0);
            advance(cpu, insn, RDI, step(cpu, size));
            return goesOn(cpu, insn);
        });
    }

    /** CMPS. */
    public static void cmps(X86Cpu c, Insn i) {
        repeat(c, i, i.dstSize, (cpu, insn, size) -> {
            long a = cpu.mmu.load(source(cpu, insn, size), size);
            Alu.difference(cpu, size, a, cpu.mmu.load(target(cpu, insn, size, false), size), 0);
            advance(cpu, insn, RSI, step(cpu, size));
            advance(cpu, insn, RDI, step(cpu, size));
            return goesOn(cpu, insn);
        });
    }

    private static boolean goesOn(X86Cpu c, Insn i) {
        return c.zf() == (i.rep == 0xf3);
    }

    // ---- ports ----

    /** INS: the destination is probed first, so that what the port gives is not lost. */
    public static void ins(X86Cpu c, Insn i) {
        repeat(c, i, Math.min(i.dstSize, 4), (cpu, insn, size) -> {
            int port = (int) cpu.reg(CpuState.GENERAL + 16, 2);
            Ports.check(cpu, port, size);
            long to = target(cpu, insn, size, true);
            cpu.mmu.probeWrite(to, size);
            cpu.mmu.store(to, size, cpu.bus.portRead(port, size));
            advance(cpu, insn, RDI, step(cpu, size));
            return true;
        });
    }

    /** OUTS. */
    public static void outs(X86Cpu c, Insn i) {
        repeat(c, i, Math.min(i.srcSize, 4), (cpu, insn, size) -> {
            int port = (int) cpu.reg(CpuState.GENERAL + 16, 2);
            Ports.check(cpu, port, size);
            cpu.bus.portWrite(port, size, (int) cpu.mmu.load(source(cpu, insn, size), size));
            advance(cpu, insn, RSI, step(cpu, size));
            return true;
        });
    }
}
