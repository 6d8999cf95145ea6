package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x64.Size.WORD;
import static org.jkvm.x86.translate.HostRegisters.ADDRESS;
import static org.jkvm.x86.translate.HostRegisters.OTHER;
import static org.jkvm.x86.translate.HostRegisters.TEMP;
import static org.jkvm.x86.translate.HostRegisters.field;

import java.util.Set;
import org.jkvm.x64.ArithmeticInstructions.Alu;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.Mem;
import org.jkvm.x64.Rep;
import org.jkvm.x64.Size;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;

/**
 * String instructions upwards. One item is moved or compared like other operands; REP MOVS and REP STOS inside one page at each
 * end are the host's own, between host addresses. All else is the interpreter's, which goes page by page.
 */
final class StringCode {
    private static final int PAGE = 4096;
    /** Whose first operand is a register. */
    private static final Set<String> READING = Set.of("LODS", "SCAS");

    private final BlockCode code;
    private final Assembler a;

    StringCode(BlockCode code) {
        this.code = code;
        this.a = code.a;
    }

    private boolean isPlain(Insn i) {
        return i.addressSize == (code.mode.is64() ? 8 : 4) && code.mode.whole(Segment.ES)
                && code.mode.zeroBase(Segment.ES);
    }

    // ---- one item ----

    private boolean moveItem(Insn i) {
        upwards();
        a.mov(size(i), OTHER, source(i));
        a.mov(size(i), target(i, true), OTHER);
        advance(i, Gpr.RSI);
        advance(i, Gpr.RDI);
        return true;
    }

    private boolean storeItem(Insn i) {
        upwards();
        a.mov(size(i), target(i, true), Gpr.RAX);
        advance(i, Gpr.RDI);
        return true;
    }

    /** LODS, without REP. */
    boolean lods(Insn i) {
        upwards();
        a.mov(size(i), Gpr.RAX, source(i));
        advance(i, Gpr.RSI);
        return true;
    }

    /** SCAS, without REP. */
    boolean scas(Insn i) {
        upwards();
        a.alu(Alu.CMP, size(i), Gpr.RAX, target(i, false));
        code.flags.defined();
        advance(i, Gpr.RDI);
        return true;
    }

    /** CMPS, without REP. */
    boolean cmps(Insn i) {
        upwards();
        a.mov(size(i), OTHER, source(i));
        a.alu(Alu.CMP, size(i), OTHER, target(i, false));
        code.flags.defined();
        advance(i, Gpr.RSI);
        advance(i, Gpr.RDI);
        return true;
    }

    private void upwards() {
        code.spareFlags();
        a.test(DWORD, field(CpuState.RFLAGS), Rflags.DF);
        a.j(Cond.NE, code.step());
    }

    private static int bytes(Insn i) {
        return READING.contains(i.row.mnemonic()) ? i.srcSize : i.dstSize;
    }

    private static Size size(Insn i) {
        return IntegerCode.size(bytes(i));
    }

    private Mem source(Insn i) {
        offset(i, Gpr.RSI);
        code.memory.addSegment(i, bytes(i), false);
        return code.memory.translate(Mmu.READ_TAG, bytes(i), false);
    }

    private Mem target(Insn i, boolean write) {
        offset(i, Gpr.RDI);
        if (!code.mode.is64()) {
            code.memory.addSegment(Segment.ES, bytes(i), write);
        }
        return code.memory.translate(write ? Mmu.WRITE_TAG : Mmu.READ_TAG, bytes(i), false);
    }

    /** Puts as much of {@code pointer} as there is into ADDRESS. */
    private void offset(Insn i, Gpr pointer) {
        if (i.addressSize == 2) {
            a.movzx(DWORD, ADDRESS, WORD, pointer);
        } else {
            a.mov(IntegerCode.size(i.addressSize), ADDRESS, pointer);
        }
    }

    private void advance(Insn i, Gpr pointer) {
        a.lea(IntegerCode.size(i.addressSize), pointer, Mem.at(pointer, bytes(i)));
    }

    // ---- several items ----

    boolean movs(Insn i) {
        if (i.rep == 0) {
            return moveItem(i);
        }
        boolean plainSource = (code.mode.is64() || i.segment != Segment.CS) && code.mode.whole(i.segment)
                && code.mode.zeroBase(i.segment);
        if (!isPlain(i) || !plainSource) {
            return false;
        }
        begin();
        translate(Gpr.RSI, Mmu.READ_TAG, i.dstSize);
        a.mov(QWORD, field(CpuState.CARRIED), ADDRESS);
        translate(Gpr.RDI, Mmu.WRITE_TAG, i.dstSize);
        a.mov(QWORD, TEMP, field(CpuState.CARRIED));
        a.add(QWORD, Gpr.RSI, TEMP);
        a.add(QWORD, Gpr.RDI, ADDRESS);
        a.movs(Rep.REP, IntegerCode.size(i.dstSize));
        a.sub(QWORD, Gpr.RSI, TEMP);
        a.sub(QWORD, Gpr.RDI, ADDRESS);
        return true;
    }

    boolean stos(Insn i) {
        if (i.rep == 0) {
            return storeItem(i);
        }
        if (!isPlain(i)) {
            return false;
        }
        begin();
        translate(Gpr.RDI, Mmu.WRITE_TAG, i.dstSize);
        a.add(QWORD, Gpr.RDI, ADDRESS);
        a.stos(Rep.REP, IntegerCode.size(i.dstSize));
        a.sub(QWORD, Gpr.RDI, ADDRESS);
        return true;
    }

    /** Downwards is the interpreter's; so is more than a page, whatever the addresses. */
    private void begin() {
        code.flags.clobber();
        a.test(DWORD, field(CpuState.RFLAGS), Rflags.DF);
        a.j(Cond.NE, code.step());
        if (!code.mode.is64()) {
            clean(Gpr.RCX);
            clean(Gpr.RSI);
            clean(Gpr.RDI);
        }
        a.cmp(QWORD, Gpr.RCX, PAGE);
        a.j(Cond.A, code.step());
    }

    /** Clears a register's upper half, which outside 64-bit mode is nobody's (SDM vol. 1, section 3.4.1.1). */
    private void clean(Gpr register) {
        a.mov(DWORD, register, register);
    }

    /** The addend for what {@code pointer} points at, in ADDRESS; leaves unless all of it is in one page of the TLB. */
    private void translate(Gpr pointer, int tag, int size) {
        Size width = code.mode.is64() ? QWORD : DWORD;
        a.mov(width, TEMP, pointer);
        a.and(DWORD, TEMP, PAGE - 1);
        a.lea(QWORD, TEMP, new Mem(TEMP, Gpr.RCX, size, 0));
        a.cmp(QWORD, TEMP, PAGE);
        a.j(Cond.A, code.step());
        a.mov(width, OTHER, pointer);
        a.and(QWORD, OTHER, -PAGE);
        code.memory.entry(pointer);
        a.alu(Alu.CMP, QWORD, OTHER, code.memory.ofEntry(tag));
        a.j(Cond.NE, code.step());
        a.mov(QWORD, ADDRESS, code.memory.ofEntry(Mmu.ADDEND));
    }
}
