package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.BYTE;
import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x86.translate.HostRegisters.field;
import static org.jkvm.x86.translate.HostRegisters.slot;

import org.jkvm.x64.Assembler;
import org.jkvm.x64.CodeCache;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.Label;
import org.jkvm.x64.Mem;
import org.jkvm.x64.Xmm;
import org.jkvm.x86.state.CpuState;

/**
 * The way into guest mode and out of it: functions of the System V calling convention that take the native struct and return
 * nothing. They change stacks, load the guest's registers, and jump to what the struct's {@link CpuState#ENTRY} names.
 */
final class Stubs {
    private static final Gpr[] CALLEE_SAVED = {Gpr.RBX, Gpr.RBP, Gpr.R12, Gpr.R13, Gpr.R14, Gpr.R15};
    private static final int GUEST_REGISTERS = 16;

    private final long[] entries = new long[4];
    /** Jumped to in order to leave; flags must be in {@link CpuState#FLAGS}. */
    final long exit;
    /** Jumped to, flags in memory, when the jump cache does not know {@link CpuState#EXIT_TARGET}. */
    final long indirectMiss;
    /** Called to load the vector registers; changes flags. */
    final long loadVectors;

    Stubs(CodeCache cache) {
        loadVectors = cache.placePermanent(vectors(cache.nextPermanent()));
        for (int n = 0; n < entries.length; n++) {
            entries[n] = cache.placePermanent(entry(cache.nextPermanent(), (n & 1) != 0, (n & 2) != 0 ? loadVectors : 0));
        }
        exit = cache.placePermanent(exit(cache.nextPermanent()));
        indirectMiss = cache.placePermanent(miss(cache.nextPermanent(), exit));
    }

    /**
     * The function that enters guest mode.
     *
     * @param withFlags   with the guest's flags in the host's, otherwise in {@link CpuState#FLAGS} alone
     * @param withVectors with the guest's vector registers loaded
     */
    long entry(boolean withFlags, boolean withVectors) {
        return entries[(withFlags ? 1 : 0) | (withVectors ? 2 : 0)];
    }

    private static byte[] entry(long origin, boolean withFlags, long loadVectors) {
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
        if (loadVectors != 0) {
            a.call(loadVectors);
        }
        if (withFlags) {
            FlagKeeper.writeRestore(a);
        }
        a.jmp(field(CpuState.ENTRY));
        return a.toByteArray();
    }

    private static byte[] exit(long origin) {
        Assembler a = new Assembler(origin);
        Label plain = new Label();
        for (int n = 0; n < GUEST_REGISTERS; n++) {
            if (HostRegisters.of(n) != null) {
                a.mov(QWORD, slot(n), HostRegisters.of(n));
            }
        }
        a.cmp(BYTE, field(CpuState.VECTORS_LIVE), 0);
        a.j(Cond.E, plain);
        saveVectors(a);
        a.bind(plain);
        a.mov(QWORD, Gpr.RSP, field(CpuState.HOST_RSP));
        for (int i = CALLEE_SAVED.length - 1; i >= 0; i--) {
            a.pop(CALLEE_SAVED[i]);
        }
        a.ret();
        return a.toByteArray();
    }

    private static byte[] miss(long origin, long exit) {
        Assembler a = new Assembler(origin);
        a.mov(DWORD, field(CpuState.EXIT_REASON), ExitReason.INDIRECT.at(0));
        a.jmp(exit);
        return a.toByteArray();
    }

    private static void saveVectors(Assembler a) {
        for (Xmm register : Xmm.values()) {
            a.movups(field(CpuState.vector(register.number())), register);
        }
        a.stmxcsr(field(CpuState.MXCSR));
        a.ldmxcsr(field(CpuState.HOST_MXCSR));
        a.mov(BYTE, field(CpuState.VECTORS_LIVE), 0);
    }

    private static byte[] vectors(long origin) {
        Assembler a = new Assembler(origin);
        int back = 8; // RSP was moved by the call.
        for (Xmm register : Xmm.values()) {
            a.movups(register, field(back + CpuState.vector(register.number())));
        }
        a.stmxcsr(field(back + CpuState.HOST_MXCSR));
        a.ldmxcsr(field(back + CpuState.MXCSR));
        a.mov(BYTE, field(back + CpuState.VECTORS_LIVE), 1);
        a.ret();
        return a.toByteArray();
    }

    /** Writes an exit from translation {@code id}; {@link CpuState#EXIT_REASON} is set already. */
    void writeExit(Assembler a, int id) {
        a.mov(DWORD, field(CpuState.EXIT_BLOCK), id);
        a.jmp(exit);
    }
}
