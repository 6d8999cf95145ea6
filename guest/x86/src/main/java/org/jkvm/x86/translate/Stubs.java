package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.BYTE;
import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x86.translate.HostRegisters.field;
import static org.jkvm.x86.translate.HostRegisters.slot;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.CodeCache;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.Label;
import org.jkvm.x64.Mem;
import org.jkvm.x64.OpcodeMap;
import org.jkvm.x64.StateInstructions.Plain;
import org.jkvm.x64.VexOpcode;
import org.jkvm.x64.Xmm;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.trap.Interrupts;

/**
 * The way into guest mode and out of it: functions of the System V calling convention that take the native struct and return
 * nothing. They change stacks, load the guest's registers, and jump to what the struct's {@link CpuState#ENTRY} names.
 */
final class Stubs {
    private static final Gpr[] CALLEE_SAVED = {Gpr.RBX, Gpr.RBP, Gpr.R12, Gpr.R13, Gpr.R14, Gpr.R15};
    private static final int GUEST_REGISTERS = 16;

    private static final VexOpcode LOAD_YMM = new VexOpcode(0, OpcodeMap.ESCAPE_0F, false, true, 0x10);
    private static final VexOpcode STORE_YMM = new VexOpcode(0, OpcodeMap.ESCAPE_0F, false, true, 0x11);

    /** Which vector registers the host holds for the guest; {@link CpuState#VECTORS_LIVE} is the number. */
    enum Vectors { NONE, XMM, YMM }

    private final MemorySegment[] entries = new MemorySegment[4 * Vectors.values().length];
    private final long[] loads = new long[Vectors.values().length];
    /** Jumped to in order to leave; {@link CpuState#EXIT_REASON} is set, flags are in {@link CpuState#FLAGS}. */
    final long exit;
    /** Jumped to, flags in memory, when the jump cache does not know {@link CpuState#EXIT_TARGET}. */
    final long indirectMiss;
    /** Called to read the time-stamp counter; see {@link TimeStubs#read}. */
    final long readTime;
    private final boolean offersTime;
    /** Whether every interrupt is to be delivered by the interpreter, which logs it. */
    final boolean logsInterrupts = Interrupts.areLogged();
    private final long[] secondLooks = new long[JumpCache.TABLES];
    /** For operands in two pages. */
    final CrossingStubs crossings;
    /** Called to load the x87 registers; changes flags. Zero where the host has no XSAVE. */
    final long loadX87;

    /** Places them; with AVX and XSAVE for hosts that have it. */
    Stubs(CodeCache cache, boolean avx, boolean xsave) {
        loadX87 = xsave ? cache.placePermanent(X87Stubs.load(cache.nextPermanent())) : 0;
        for (Vectors vectors : avx ? List.of(Vectors.XMM, Vectors.YMM) : List.of(Vectors.XMM)) {
            loads[vectors.ordinal()] = cache.placePermanent(load(cache.nextPermanent(), vectors));
        }
        for (int n = 0; n < entries.length; n++) {
            entries[n] = MemorySegment.ofAddress(cache.placePermanent(
                    entry(cache.nextPermanent(), (n & 1) != 0, (n & 2) != 0 ? loadX87 : 0, loads[n >> 2])));
        }
        exit = cache.placePermanent(exit(cache.nextPermanent(), avx, xsave));
        indirectMiss = cache.placePermanent(miss(cache.nextPermanent(), exit));
        readTime = cache.placePermanent(TimeStubs.read(cache.nextPermanent(), a -> saveLive(a, avx, xsave)));
        offersTime = readsNanoTime(cache.placePermanent(TimeStubs.nanoTime(cache.nextPermanent())));
        crossings = new CrossingStubs(cache);
        for (int tlb = 0; tlb < secondLooks.length; tlb++) {
            secondLooks[tlb] = cache.placePermanent(JumpLookup.second(cache.nextPermanent(), tlb, indirectMiss));
        }
    }

    /** Jumped to by {@link JumpLookup} where the first place of TLB {@code tlb}'s jump cache has another target. */
    long secondLook(int tlb) {
        return secondLooks[tlb];
    }

    /**
     * The function that enters guest mode.
     *
     * @param withFlags   with the guest's flags in the host's, otherwise in {@link CpuState#FLAGS} alone
     * @param x87         whether the guest's x87 registers are loaded
     * @param vectors     which of the guest's vector registers are loaded
     */
    MemorySegment entry(boolean withFlags, boolean x87, Vectors vectors) {
        return entries[(withFlags ? 1 : 0) + (x87 ? 2 : 0) + 4 * vectors.ordinal()];
    }

    /** Whether {@link #readTime} can be called. */
    boolean offerTime() {
        return offersTime;
    }

    /** Whether generated code reads the clock that {@link System#nanoTime} reads, as far as one look can tell. */
    private static boolean readsNanoTime(long function) {
        long before = System.nanoTime();
        long time = CodeCache.enter(function, 0);
        return before <= time && time <= System.nanoTime();
    }

    /** Called to load vector registers; changes flags. */
    long load(Vectors vectors) {
        return loads[vectors.ordinal()];
    }

    private static byte[] entry(long origin, boolean withFlags, long loadX87, long loadVectors) {
        Assembler a = new Assembler(origin);
        for (Gpr register : CALLEE_SAVED) {
            a.push(register);
        }
        a.mov(QWORD, Mem.at(Gpr.RDI, CpuState.HOST_RSP), Gpr.RSP);
        a.mov(QWORD, HostRegisters.STRUCT, Gpr.RDI);
        for (int n = 0; n < GUEST_REGISTERS; n++) {
            if (HostRegisters.of(n) != null) {
                a.mov(QWORD, HostRegisters.of(n), slot(n));
            }
        }
        if (loadX87 != 0) {
            a.call(loadX87);
        }
        if (loadVectors != 0) {
            a.call(loadVectors);
        }
        if (withFlags) {
            FlagKeeper.writeRestore(a);
        }
        a.jmp(field(CpuState.ENTRY));
        return a.toByteArray();
    }

    private static byte[] exit(long origin, boolean avx, boolean xsave) {
        Assembler a = new Assembler(origin);
        for (int n = 0; n < GUEST_REGISTERS; n++) {
            if (HostRegisters.of(n) != null) {
                a.mov(QWORD, slot(n), HostRegisters.of(n));
            }
        }
        saveLive(a, avx, xsave);
        a.mov(QWORD, Gpr.RSP, field(CpuState.HOST_RSP));
        for (int i = CALLEE_SAVED.length - 1; i >= 0; i--) {
            a.pop(CALLEE_SAVED[i]);
        }
        a.ret();
        return a.toByteArray();
    }

    /** Saves the guest's x87 and vector registers that the host holds. */
    private static void saveLive(Assembler a, boolean avx, boolean xsave) {
        if (xsave) {
            Label unused = new Label();
            a.cmp(BYTE, field(CpuState.X87_LIVE), 0);
            a.j(Cond.E, unused);
            X87Stubs.writeSave(a);
            a.bind(unused);
        }
        Label plain = new Label();
        a.cmp(BYTE, field(CpuState.VECTORS_LIVE), 0);
        a.j(Cond.E, plain);
        saveVectors(a, avx);
        a.bind(plain);
    }

    private static byte[] miss(long origin, long exit) {
        Assembler a = new Assembler(origin);
        a.mov(DWORD, field(CpuState.EXIT_REASON), ExitReason.INDIRECT.at(0));
        a.jmp(exit);
        return a.toByteArray();
    }

    private static void saveVectors(Assembler a, boolean avx) {
        Label saved = new Label();
        if (avx) {
            Label narrow = new Label();
            a.cmp(BYTE, field(CpuState.VECTORS_LIVE), Vectors.YMM.ordinal());
            a.j(Cond.NE, narrow);
            for (Xmm register : Xmm.values()) {
                a.vex(STORE_YMM, register.number(), 0, vector(register, 0), 0);
            }
            a.plain(Plain.VZEROUPPER);
            a.jmp(saved);
            a.bind(narrow);
        }
        for (Xmm register : Xmm.values()) {
            a.movups(vector(register, 0), register);
        }
        a.bind(saved);
        a.stmxcsr(field(CpuState.MXCSR));
        a.ldmxcsr(field(CpuState.HOST_MXCSR));
        a.mov(BYTE, field(CpuState.VECTORS_LIVE), 0);
    }

    private static Mem vector(Xmm register, int pushed) {
        return field(pushed + CpuState.vector(register.number()));
    }

    private static byte[] load(long origin, Vectors vectors) {
        Assembler a = new Assembler(origin);
        int pushed = 8; // RSP was moved by the call.
        for (Xmm register : Xmm.values()) {
            if (vectors == Vectors.YMM) {
                a.vex(LOAD_YMM, register.number(), 0, vector(register, pushed), 0);
            } else {
                a.movups(register, vector(register, pushed));
            }
        }
        a.stmxcsr(field(pushed + CpuState.HOST_MXCSR));
        a.ldmxcsr(field(pushed + CpuState.MXCSR));
        a.mov(BYTE, field(pushed + CpuState.VECTORS_LIVE), vectors.ordinal());
        a.ret();
        return a.toByteArray();
    }
}
