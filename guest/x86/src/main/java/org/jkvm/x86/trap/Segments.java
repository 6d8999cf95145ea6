package org.jkvm.x86.trap;

import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putInt;
import static org.jkvm.linux.RawMemory.putLong;

import org.jkvm.x86.GuestFault;
import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.state.CodeSegment;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Segment;

/** Segment registers with their hidden parts, and the descriptor tables behind them (SDM vol. 3A, chapters 3 and 5). */
public final class Segments {
    /** Access word of a real-mode data segment: present, writable, accessed. */
    public static final int REAL_DATA = 0x93;
    /** Access word of a real-mode code segment. */
    public static final int REAL_CODE = 0x9b;
    /** Access word of every segment in virtual-8086 mode: DPL 3 (SDM vol. 3B, section 20.1.1). */
    public static final int V86 = 0xf3;
    private static final long WHOLE = 0xffff_ffffL;

    private final X86Cpu cpu;
    private final long st;
    private final CodeSegments codes;
    private CodeSegment code = CodeSegment.FLAT;
    private int shape;

    /** Made by the processor. */
    public Segments(X86Cpu cpu) {
        this.cpu = cpu;
        this.st = cpu.st;
        this.codes = new CodeSegments(st);
    }

    // ---- the registers ----

    /** The selector in segment register {@code n}. */
    public int selector(int n) {
        return getInt(st + CpuState.segment(n) + CpuState.SELECTOR);
    }

    /** The base of segment register {@code n}. */
    public long base(int n) {
        return getLong(st + CpuState.segment(n));
    }

    /** The limit of segment register {@code n}, in bytes, 0 to FFFFFFFFh. */
    public long limit(int n) {
        return getInt(st + CpuState.segment(n) + 8) & 0xffff_ffffL;
    }

    /** The access word of segment register {@code n}: {@link Segment}. */
    public int access(int n) {
        return getInt(st + CpuState.segment(n) + 12);
    }

    /** Sets the base alone: FS and GS in 64-bit mode. */
    public void setBase(int n, long base) {
        putLong(st + CpuState.segment(n), base);
    }

    /** Sets a segment register and its hidden part, checking nothing. */
    public void set(int n, int selector, long base, int limit, int access) {
        long s = st + CpuState.segment(n);
        putLong(s, base);
        putInt(s + 8, limit);
        putInt(s + 12, access);
        putInt(s + 16, selector & 0xffff);
        changed(n);
    }

    /** Segments and descriptor tables as after RESET and INIT (SDM vol. 3A, table 9-1). */
    public void reset() {
        for (int n = Segment.ES; n <= Segment.GS; n++) {
            set(n, 0, 0, 0xffff, REAL_DATA);
        }
        set(Segment.CS, 0xf000, 0xffff_0000L, 0xffff, REAL_CODE);
        set(Segment.TR, 0, 0, 0xffff, 0x8b);
        set(Segment.LDTR, 0, 0, 0xffff, 0x82);
        putLong(st + CpuState.GDTR, 0);
        putLong(st + CpuState.GDTR + 8, 0xffff);
        putLong(st + CpuState.IDTR, 0);
        putLong(st + CpuState.IDTR + 8, 0xffff);
    }

    /** Works out again what derives from segment register {@code n}. */
    public void changed(int n) {
        int access = access(n);
        boolean up = (access & (Segment.UNUSABLE | Segment.CODE | Segment.DOWN_CONFORMING)) == 0;
        boolean executable = (access & (Segment.UNUSABLE | Segment.CODE)) == Segment.CODE;
        boolean rw = (access & Segment.READ_WRITE) != 0;
        putLong(st + CpuState.limit(n, false), up || executable && rw ? limit(n) : -1);
        putLong(st + CpuState.limit(n, true), up && rw ? limit(n) : -1);
        shape = shape & ~(1 << n) | (getLong(st + CpuState.limit(n, true)) == WHOLE ? 1 : 0) << n;
        noteInner(n, access);
        if (n == Segment.CS) {
            code = codes.of(base(n), limit(n));
        }
        if (n == Segment.CS || n == Segment.SS) {
            updateWidths();
        }
    }

    private void noteInner(int n, int access) {
        boolean data = n <= Segment.GS && n != Segment.CS && n != Segment.SS;
        int others = getInt(st + CpuState.INNER) & ~(1 << n);
        putInt(st + CpuState.INNER, others | (data && isInner(access, 3) ? 1 : 0) << n);
    }

    /** Segment register {@code n} was written in the native struct: works out again what derives from it. */
    public void transferred(int n) {
        boolean leave = cpu.leaveBlock;
        changed(n);
        cpu.leaveBlock = leave;
    }

    /**
     * What generated code may take for granted outside 64-bit mode: bit n is one where segment register n (ES to GS) can be
     * read and written from 0 to 4 GiB.
     */
    public int shape() {
        return shape;
    }

    /** The code segment. */
    public CodeSegment code() {
        return cpu.codeBits == 64 ? CodeSegment.UNLIMITED : code;
    }

    /** Code size and stack width, from CS, SS and EFER. */
    public void updateWidths() {
        boolean long64 = cpu.longMode() && (access(Segment.CS) & Segment.LONG) != 0;
        cpu.codeBits = long64 ? 64 : (access(Segment.CS) & Segment.BIG) != 0 ? 32 : 16;
        cpu.stackMask = long64 ? -1L : (access(Segment.SS) & Segment.BIG) != 0 ? 0xffff_ffffL : 0xffffL;
        cpu.leaveBlock = true;
    }

    /** Sets the privilege level. */
    public void setCpl(int cpl) {
        cpu.cpl = cpl;
        cpu.mmu.selectTlb();
    }

    // ---- checking accesses outside 64-bit mode ----

    /**
     * The linear address of {@code offset} in a segment, outside 64-bit mode.
     *
     * @throws GuestFault #GP, or #SS for the stack segment, where the access is not allowed
     */
    public long linear(int n, long offset, int size, boolean write) {
        if (offset + size - 1 <= getLong(st + CpuState.limit(n, write)) || allowed(n, offset, offset + size - 1, write)) {
            return base(n) + offset & 0xffff_ffffL;
        }
        throw cpu.fault(n == Segment.SS ? Vector.SS : Vector.GP, 0);
    }

    private boolean allowed(int n, long first, long last, boolean write) {
        int access = access(n);
        boolean expandDown = (access & (Segment.CODE | Segment.DOWN_CONFORMING)) == Segment.DOWN_CONFORMING;
        if (!expandDown || (access & Segment.UNUSABLE) != 0 || write && (access & Segment.READ_WRITE) == 0) {
            return false;
        }
        long top = (access & Segment.BIG) != 0 ? 0xffff_ffffL : 0xffffL;
        return first > limit(n) && last <= top;
    }

    // ---- loading ----

    /** Loads a data or stack segment register as MOV, POP and LDS do, in the present mode. */
    public void load(int n, int selector) {
        if (!cpu.protectedMode() || cpu.virtual8086()) {
            loadReal(n, selector);
        } else if (n == Segment.SS) {
            loadStack(selector, cpu.cpl);
        } else {
            loadData(n, selector);
        }
    }

    /** Loads a segment register in real or virtual-8086 mode: in real mode limit and rights stay. */
    public void loadReal(int n, int selector) {
        if (cpu.virtual8086()) {
            set(n, selector, (long) selector << 4, 0xffff, V86);
        } else {
            int access = access(n) & ~Segment.UNUSABLE;
            set(n, selector, (long) selector << 4, (int) limit(n), access == 0 ? REAL_DATA : access);
        }
    }

    private void loadData(int n, int selector) {
        if ((selector & ~3) == 0) {
            setNull(n, selector);
            return;
        }
        Descriptor d = descriptor(selector, Vector.GP);
        boolean privileged = !d.conforming() && Math.max(cpu.cpl, selector & 3) > d.dpl();
        if (!d.readable() || privileged) {
            throw selectorFault(Vector.GP, selector);
        }
        if (!d.present()) {
            throw selectorFault(Vector.NP, selector);
        }
        install(n, selector, d);
    }

    /** Loads SS for privilege level {@code level}: SDM vol. 3A, section 5.7. */
    public void loadStack(int selector, int level) {
        install(Segment.SS, selector, checkStack(selector, level, Vector.GP), level);
    }

    /** Checks a stack selector; a null one is allowed in 64-bit code below CPL 3 only. */
    Descriptor checkStack(int selector, int level, int vector) {
        if ((selector & ~3) == 0) {
            if (cpu.codeBits == 64 && level < 3 && (selector & 3) == level && vector == Vector.GP) {
                return null;
            }
            throw cpu.fault(vector, 0);
        }
        Descriptor d = descriptor(selector, vector);
        if ((selector & 3) != level || !d.writableData() || d.dpl() != level) {
            throw selectorFault(vector, selector);
        }
        if (!d.present()) {
            throw selectorFault(Vector.SS, selector);
        }
        return d;
    }

    void install(int n, int selector, Descriptor d, int level) {
        if (d == null) {
            setNull(n, selector);
            putInt(st + CpuState.segment(n) + 12, Segment.UNUSABLE | level << Segment.DPL_SHIFT);
        } else {
            install(n, selector, d);
        }
    }

    /** Marks the descriptor accessed and loads it. */
    void install(int n, int selector, Descriptor d) {
        if ((d.access() & Segment.ACCESSED) == 0) {
            long at = tableAddress(selector) + 5;
            cpu.mmu.storeSystem(at, 1, cpu.mmu.loadSystem(at, 1) | Segment.ACCESSED);
        }
        set(n, selector, d.base32(), d.limit(), d.access() | Segment.ACCESSED);
    }

    /** Makes a segment register null: unusable, base and limit as they were in long mode, else zero. */
    public void setNull(int n, int selector) {
        set(n, selector, 0, 0, Segment.UNUSABLE);
    }

    /** After a return to an outer level: registers that it may not use become null (SDM vol. 2B, RET). */
    void dropPrivileged(int level) {
        for (int n : new int[] {Segment.ES, Segment.DS, Segment.FS, Segment.GS}) {
            if (isInner(access(n), level)) {
                setNull(n, 0);
            }
        }
    }

    private static boolean isInner(int access, int level) {
        boolean conforming = (access & (Segment.CODE | Segment.DOWN_CONFORMING)) == (Segment.CODE | Segment.DOWN_CONFORMING);
        return (access & Segment.UNUSABLE) == 0 && !conforming && Segment.dpl(access) < level;
    }

    /** Loads the LDTR (LLDT). */
    public void loadLdt(int selector) {
        if ((selector & ~3) == 0) {
            setNull(Segment.LDTR, selector);
            return;
        }
        if ((selector & 4) != 0) {
            throw selectorFault(Vector.GP, selector);
        }
        Descriptor d = systemDescriptor(selector, Vector.GP);
        if (d.systemType() != Descriptor.LDT) {
            throw selectorFault(Vector.GP, selector);
        }
        if (!d.present()) {
            throw selectorFault(Vector.NP, selector);
        }
        set(Segment.LDTR, selector, cpu.longMode() ? d.base64() : d.base32(), d.limit(), d.access());
    }

    /** Loads the task register (LTR) and marks its TSS busy. */
    public void loadTask(int selector) {
        if ((selector & ~3) == 0) {
            throw cpu.fault(Vector.GP, 0);
        }
        if ((selector & 4) != 0) {
            throw selectorFault(Vector.GP, selector);
        }
        Descriptor d = systemDescriptor(selector, Vector.GP);
        boolean tss = d.systemType() == Descriptor.TSS32 || d.systemType() == Descriptor.TSS16 && !cpu.longMode();
        if (!tss) {
            throw selectorFault(Vector.GP, selector);
        }
        if (!d.present()) {
            throw selectorFault(Vector.NP, selector);
        }
        setBusy(selector, true);
        set(Segment.TR, selector, cpu.longMode() ? d.base64() : d.base32(), d.limit(), d.access() | 2);
    }

    void setBusy(int selector, boolean busy) {
        long at = tableAddress(selector) + 5;
        long access = cpu.mmu.loadSystem(at, 1);
        cpu.mmu.storeSystem(at, 1, busy ? access | 2 : access & ~2L);
    }

    // ---- descriptor tables ----

    /**
     * Reads the descriptor of {@code selector}.
     *
     * @throws GuestFault {@code vector} with the selector where it lies outside its table
     */
    Descriptor descriptor(int selector, int vector) {
        return new Descriptor(cpu.mmu.loadSystem(checkedAddress(selector, 8, vector), 8), 0);
    }

    /** Reads a system descriptor: 16 bytes in long mode. */
    Descriptor systemDescriptor(int selector, int vector) {
        if (!cpu.longMode()) {
            return descriptor(selector, vector);
        }
        long at = checkedAddress(selector, 8, vector);
        long raw = cpu.mmu.loadSystem(at, 8);
        Descriptor first = new Descriptor(raw, 0);
        if (first.codeOrData()) {
            return first;
        }
        checkedAddress(selector, 16, vector);
        return new Descriptor(raw, cpu.mmu.loadSystem(at + 8, 8));
    }

    private long checkedAddress(int selector, int size, int vector) {
        boolean local = (selector & 4) != 0;
        boolean absent = local && (access(Segment.LDTR) & Segment.UNUSABLE) != 0;
        long limit = local ? limit(Segment.LDTR) : getLong(st + CpuState.GDTR + 8);
        if (absent || (selector & ~7) + size - 1 > limit) {
            throw selectorFault(vector, selector);
        }
        return tableAddress(selector);
    }

    private long tableAddress(int selector) {
        long table = (selector & 4) != 0 ? base(Segment.LDTR) : getLong(st + CpuState.GDTR);
        return cpu.longMode() ? table + (selector & ~7) : table + (selector & ~7) & 0xffff_ffffL;
    }

    /** A fault whose error code names {@code selector}. */
    GuestFault selectorFault(int vector, int selector) {
        return cpu.fault(vector, selector & 0xfffc);
    }

    // ---- the task state segment ----

    /** Checks the TSS selector in a task gate (SDM vol. 3A, section 7.2.5). */
    void checkTaskGate(Descriptor gate, int ext) {
        if ((gate.gateSelector() & 4) != 0) {
            throw cpu.fault(Vector.TS, gate.gateSelector() & 0xfffc | ext);
        }
    }

    /** Checks the TSS selector that a task gate names for JMP and CALL. */
    void checkTaskGateTarget(int selector) {
        if ((selector & 4) != 0) {
            throw selectorFault(Vector.GP, selector);
        }
    }

    /** Stack pointer and selector of privilege {@code level} from the TSS, 16 or 32 bits wide. */
    long[] innerStack(int level) {
        boolean wide = (access(Segment.TR) & 8) != 0;
        int offset = wide ? 4 + 8 * level : 2 + 4 * level;
        int size = wide ? 4 : 2;
        if (offset + size + 1 > limit(Segment.TR)) {
            throw cpu.fault(Vector.TS, selector(Segment.TR) & 0xfffc);
        }
        long at = base(Segment.TR) + offset;
        return new long[] {cpu.mmu.loadSystem(at, size), cpu.mmu.loadSystem(at + size, 2)};
    }

    /** An 8-byte field of the 64-bit TSS. */
    long taskField64(int offset) {
        if (offset + 7 > limit(Segment.TR)) {
            throw cpu.fault(Vector.TS, selector(Segment.TR) & 0xfffc);
        }
        return cpu.mmu.loadSystem(base(Segment.TR) + offset, 8);
    }

    // ---- LAR, LSL, VERR, VERW ----

    /** The descriptor of {@code selector} if LAR and the like may see it at this privilege, else null. */
    public long[] visible(int selector, boolean limitQuery) {
        if ((selector & ~3) == 0) {
            return null;
        }
        Descriptor d;
        try {
            d = systemDescriptor(selector, Vector.GP);
        } catch (GuestFault outside) {
            if (outside.vector() == Vector.PF) {
                throw outside;
            }
            return null;
        }
        boolean privileged = !d.conforming() && Math.max(cpu.cpl, selector & 3) > d.dpl();
        if (privileged || !d.codeOrData() && !systemVisible(d.systemType(), limitQuery)) {
            return null;
        }
        return new long[] {d.raw() >>> 32 & 0x00f0_ff00L, d.limit() & 0xffff_ffffL, d.access()};
    }

    /** SDM vol. 2A, tables 3-54 (LAR) and 3-57 (LSL). */
    private boolean systemVisible(int type, boolean limitQuery) {
        return switch (type) {
            case Descriptor.LDT, Descriptor.TSS32, Descriptor.TSS32_BUSY -> true;
            case Descriptor.TSS16, Descriptor.TSS16_BUSY -> !cpu.longMode();
            case Descriptor.CALL_GATE32 -> !limitQuery;
            case Descriptor.CALL_GATE16, Descriptor.TASK_GATE -> !limitQuery && !cpu.longMode();
            default -> false;
        };
    }
}
