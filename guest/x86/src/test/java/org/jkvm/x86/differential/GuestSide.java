package org.jkvm.x86.differential;

import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.getShort;
import static org.jkvm.linux.RawMemory.putInt;
import static org.jkvm.linux.RawMemory.putLong;
import static org.jkvm.linux.RawMemory.putShort;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jkvm.linux.RawMemory;
import org.jkvm.x64.HostCpu;
import org.jkvm.x64.HostRegisters;
import org.jkvm.x86.GuestFault;
import org.jkvm.x86.RamBus;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.cpuid.CpuidTable;
import org.jkvm.x86.exec.Block;
import org.jkvm.x86.exec.Interpreter;
import org.jkvm.x86.exec.TestBlocks;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;
import org.jkvm.x86.translate.NativeCode;
import org.jkvm.x86.translate.SharedTranslations;

/**
 * The interpreter in the same situation as the host CPU: a long-mode user process whose linear addresses are the host's
 * cell, one page table, the same selectors.
 */
final class GuestSide implements AutoCloseable {
    /** What {@link #run} returns where no fault came. */
    static final int NO_FAULT = -1;
    private static final long PAGE = 4096;
    private static final int PML4 = 0x1000;
    private static final int PDPT = 0x2000;
    private static final int DIRECTORY = 0x3000;
    private static final int TABLE = 0x4000;
    private static final int CELL_AT = 0x10_0000;
    private static final int PHYSICAL_BYTES = 0x20_0000;
    private static final long PRESENT_WRITABLE_USER = 7;
    private static final int LONG_CODE = 0xa0fb;
    private static final int CODE_32 = 0xc0fb;
    private static final int CODE_16 = 0x00fb;
    private static final int DATA = 0xc0f3;
    private static final int DATA_16 = 0x00f3;
    private static final long XCR0_X87_SSE_AVX = 7;
    private static final int MAX_STEPS = 1000;
    private static final long CACHE_BYTES = 1 << 20;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment physical = arena.allocate(PHYSICAL_BYTES, PAGE);
    private final long st;
    private final X86Cpu cpu;
    private final MemorySegment memory;
    private final NativeCode translator;
    private Insn[] lastInsns = new Insn[0];
    private Block lastBlock;

    /**
     * A guest in code of {@code bits} bits whose segments and mapped linear addresses are those of {@code host}; {@code translated}
     * for the host instead of interpreted.
     */
    GuestSide(int bits, HostCpu host, CpuidTable features, boolean translated) {
        long cell = host.instructionAddress() & -HostCpu.CELL_BYTES;
        long memoryOffset = host.memory().address() - cell;
        long cellBytes = memoryOffset + host.memory().byteSize();
        st = arena.allocate(NativeCode.MEMORY_SIZE, 64).address() + CpuState.STACK;
        cpu = new X86Cpu(st, new RamBus(physical), features);
        memory = physical.asSlice(CELL_AT + memoryOffset, cellBytes - memoryOffset);
        mapCell(cell, cellBytes);
        enterUserMode();
        loadSegments(bits, host);
        translator = translated ? new NativeCode(cpu, new Interpreter(cpu), CACHE_BYTES, SharedTranslations.NOTHING) : null;
    }

    /** Has the interpreter foretell what translations do from now on. */
    void check() {
        translator.check();
    }

    /** What the translator says of its work. */
    String describe() {
        return translator.describe();
    }

    /** What the host calls its stack and scratch memory. */
    MemorySegment memory() {
        return memory;
    }

    private void mapCell(long cell, long bytes) {
        putEntry(PML4, cell >>> 39, PDPT);
        putEntry(PDPT, cell >>> 30, DIRECTORY);
        putEntry(DIRECTORY, cell >>> 21, TABLE);
        for (long at = 0; at < bytes; at += PAGE) {
            putEntry(TABLE, cell + at >>> 12, CELL_AT + at);
        }
    }

    private void putEntry(long table, long index, long address) {
        physical.set(ValueLayout.JAVA_LONG, table + 8 * (index & 511), address | PRESENT_WRITABLE_USER);
    }

    private void enterUserMode() {
        cpu.storeControl(0, Control.CR0_PE | Control.CR0_MP | Control.CR0_ET | Control.CR0_NE | Control.CR0_WP
                | Control.CR0_AM | Control.CR0_PG);
        cpu.storeControl(3, PML4);
        cpu.storeControl(4, Control.CR4_PAE | Control.CR4_OSFXSR | Control.CR4_OSXMMEXCPT | Control.CR4_OSXSAVE);
        cpu.msrs.setXcr0(XCR0_X87_SSE_AVX);
        cpu.msrs.storeEfer(Control.EFER_SCE | Control.EFER_LME | Control.EFER_LMA | Control.EFER_NXE);
    }

    private void loadSegments(int bits, HostCpu host) {
        int code = bits == 64 ? LONG_CODE : bits == 32 ? CODE_32 : CODE_16;
        int data = bits == 16 ? DATA_16 : DATA;
        int limit = bits == 16 ? 0xffff : -1;
        cpu.segments.set(Segment.CS, host.codeSelector(), host.codeBase(), limit, code);
        cpu.segments.set(Segment.SS, host.dataSelector(), host.dataBase(), limit, data);
        for (int n : new int[] {Segment.ES, Segment.DS}) {
            cpu.segments.set(n, bits == 64 ? 0 : host.dataSelector(), host.dataBase(), limit,
                    bits == 64 ? Segment.UNUSABLE : data);
        }
        cpu.segments.set(Segment.FS, 0, 0, 0, Segment.UNUSABLE);
        cpu.segments.set(Segment.GS, 0, 0, 0, Segment.UNUSABLE);
        cpu.segments.setCpl(3);
    }

    /** Takes over general registers and flags. */
    void load(HostRegisters from) {
        for (int i = 0; i < 16; i++) {
            cpu.setGeneral(i, from.general(i));
        }
        cpu.setRflags(from.rflags() | Rflags.RESERVED_ONE | Rflags.IF);
    }

    /** Takes over x87, MMX, SSE and AVX registers; the last x87 instruction is none on both sides. */
    void loadVectors(HostRegisters from) {
        for (int i = 0; i < 16; i++) {
            putLong(st + CpuState.vector(i), from.xmm(i, 0));
            putLong(st + CpuState.vector(i) + 8, from.xmm(i, 1));
            putLong(st + CpuState.vector(i) + 16, from.upper(i, 0));
            putLong(st + CpuState.vector(i) + 24, from.upper(i, 1));
        }
        int top = from.statusWord() >> 11 & 7;
        for (int i = 0; i < 8; i++) {
            long r = st + CpuState.X87 + 16 * (top + i & 7);
            putLong(r, from.significand(i));
            putShort(r + 8, from.signExponent(i));
        }
        putShort(st + CpuState.FOP, 0);
        putLong(st + CpuState.FIP, 0);
        putLong(st + CpuState.FDP, 0);
        putShort(st + CpuState.FCS, 0);
        putShort(st + CpuState.FDS, 0);
        putShort(st + CpuState.FCW, from.controlWord());
        putShort(st + CpuState.FSW, from.statusWord());
        RawMemory.putByte(st + CpuState.FTW, from.fx().get(ValueLayout.JAVA_BYTE, HostRegisters.FTW));
        putInt(st + CpuState.MXCSR, from.mxcsr());
    }

    /** Gives its general registers and flags to {@code to}. */
    void store(HostRegisters to) {
        for (int i = 0; i < 16; i++) {
            to.general(i, cpu.general(i));
        }
        to.rflags(cpu.rflags());
    }

    /** Gives its x87, MMX, SSE and AVX registers to {@code to}, in the same form as the host's. */
    void storeVectors(HostRegisters to) {
        for (int i = 0; i < 16; i++) {
            to.xmm(i, 0, getLong(st + CpuState.vector(i)));
            to.xmm(i, 1, getLong(st + CpuState.vector(i) + 8));
            to.upper(i, 0, getLong(st + CpuState.vector(i) + 16));
            to.upper(i, 1, getLong(st + CpuState.vector(i) + 24));
        }
        int status = getShort(st + CpuState.FSW);
        for (int i = 0; i < 8; i++) {
            long r = st + CpuState.X87 + 16 * ((status >> 11) + i & 7);
            to.st(i, getShort(r + 8), getLong(r));
        }
        to.controlWord(getShort(st + CpuState.FCW));
        to.statusWord(status);
        to.fx().set(ValueLayout.JAVA_BYTE, HostRegisters.FTW, (byte) RawMemory.getByte(st + CpuState.FTW));
        to.mxcsr(getInt(st + CpuState.MXCSR));
    }

    /** Where the next instruction is. */
    long rip() {
        return cpu.rip;
    }

    /** Executes instructions that follow each other at offset {@code address} in CS; the vector of a fault or {@link #NO_FAULT}. */
    int run(long address, Insn... insns) {
        cpu.rip = address;
        int steps = 0;
        try {
            do {
                execute(address, insns);
            } while (cpu.rip == address && ++steps < MAX_STEPS);
            return NO_FAULT;
        } catch (GuestFault fault) {
            cpu.rip = translator == null ? address : cpu.rip;
            return fault.vector();
        }
    }

    private void execute(long address, Insn... insns) {
        if (translator != null) {
            translate(address, insns);
            cpu.allowRun(-1);
            cpu.leaveBlock = false;
            translator.run(lastBlock);
            return;
        }
        putLong(st + CpuState.BLOCK_RIP, address);
        cpu.rip = address + insns[insns.length - 1].end;
        for (Insn insn : insns) {
            insn.handler.execute(cpu, insn);
        }
    }

    private void translate(long address, Insn... insns) {
        if (!Arrays.equals(lastInsns, insns) || lastBlock.mode != TestBlocks.of(cpu, address, insns).mode) {
            forget();
            lastInsns = insns;
            lastBlock = TestBlocks.of(cpu, address, insns);
            translator.translate(lastBlock);
        }
    }

    private void forget() {
        if (lastBlock != null && lastBlock.translation != null) {
            translator.drop(lastBlock);
        }
    }

    @Override
    public void close() {
        if (translator != null) {
            translator.close();
        }
        arena.close();
    }
}
