package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x86.translate.HostRegisters.ADDRESS;
import static org.jkvm.x86.translate.HostRegisters.OTHER;
import static org.jkvm.x86.translate.HostRegisters.STRUCT;
import static org.jkvm.x86.translate.HostRegisters.TEMP;

import org.jkvm.x64.ArithmeticInstructions.Alu;
import org.jkvm.x64.ArithmeticInstructions.Shift;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Mem;
import org.jkvm.x86.exec.CodeMode;

/** Writes how generated code looks into the {@link JumpCache}: at the first place itself, at the second by a stub. */
final class JumpLookup {
    private JumpLookup() {
    }

    /** Goes to the RIP in ADDRESS, of code in {@code mode}; flags must be in memory. TEMP and OTHER are used. */
    static void write(Assembler a, CodeMode mode, Stubs stubs) {
        hash(a);
        long tagBase = JumpCache.tagBase(mode);
        if (tagBase != 0) {
            a.mov(OTHER, tagBase);
            a.alu(Alu.OR, QWORD, ADDRESS, OTHER);
        }
        look(a, mode.tlb(), 0, stubs.secondLook(mode.tlb()));
    }

    /** The same for {@code mode} but with another code segment: OTHER is {@link JumpCache#tagBase} of the mode. */
    static void writeWithin(Assembler a, CodeMode mode, Stubs stubs) {
        hash(a);
        a.alu(Alu.OR, QWORD, ADDRESS, OTHER);
        look(a, mode.tlb(), 0, stubs.secondLook(mode.tlb()));
    }

    private static void hash(Assembler a) {
        a.mov(DWORD, TEMP, ADDRESS);
        a.shift(Shift.SHR, DWORD, TEMP, JumpCache.HASH_SHIFT);
        a.xor(DWORD, TEMP, ADDRESS);
        a.and(DWORD, TEMP, JumpCache.MASK);
    }

    /** The same for 64-bit code of another mode, which its table need not be for just now. */
    static void writeTo(Assembler a, CodeMode mode, Stubs stubs) {
        a.cmp(QWORD, HostRegisters.field(JumpCache.mode(mode.tlb())), (int) CodeMode.common(mode.bits()));
        a.j(Cond.NE, stubs.indirectMiss);
        write(a, mode, stubs);
    }

    /** Jumped to with the tag in ADDRESS and the set's offset, divided by 8, in TEMP. */
    static byte[] second(long origin, int tlb, long miss) {
        Assembler a = new Assembler(origin);
        look(a, tlb, 1, miss);
        return a.toByteArray();
    }

    private static void look(Assembler a, int tlb, int place, long otherwise) {
        a.alu(Alu.CMP, QWORD, ADDRESS, Mem.at(STRUCT, TEMP, 8, JumpCache.tags(tlb, place)));
        a.j(Cond.NE, otherwise);
        a.jmp(Mem.at(STRUCT, TEMP, 8, JumpCache.targets(tlb, place)));
    }
}
