package org.jkvm.x86.translate;

import static org.jkvm.x86.translate.HostRegisters.TEMP;

import org.jkvm.x64.Assembler;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Label;
import org.jkvm.x86.exec.CodeMode;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.Segment;

/**
 * An operand of an instruction where it lies in two pages: out of line a stub looks up the second page too and copies it from
 * both, and the instruction has the copy for operand. What writes it is written a second time, out of line, with a stub behind it
 * that puts the copy into the pages. It is the interpreter's where the soft TLB does not know both; so nothing is written
 * unless all of it may be.
 */
final class Crossing {
    private final BlockCode code;
    private final Assembler a;
    private final long copy;
    private final long writeBack;
    private final boolean write;
    private final int size;
    private final Label begin = new Label();
    private final Label back = new Label();
    private final Label done = new Label();
    private Label step;
    private int position;
    private int places;
    private int noted;
    private byte[] again;

    Crossing(BlockCode code, CrossingStubs stubs, int tlb, boolean write, int size) {
        this.code = code;
        this.a = code.a;
        this.copy = stubs.copy(tlb, write, size);
        this.writeBack = stubs.writeBack;
        this.write = write;
        this.size = size;
    }

    /**
     * Whether such an operand of {@code i} can be copied: nobody else may see it change in two steps where it is locked,
     * VPMASKMOV and its like leave some of it alone, and several pages may be one where offsets wrap.
     */
    static boolean possible(Insn i, CodeMode mode, int tlb, int size) {
        String mnemonic = i.row.mnemonic();
        return size > 1 && size <= CrossingStubs.MOST_BYTES && tlb <= Mmu.OVERRIDE && !i.lock && !mnemonic.equals("XCHG")
                && !mnemonic.contains("MASKMOV") && (mode.is64() || isFlat(i, mode));
    }

    /** Whether offsets are linear addresses, as wide as these, for all that {@code i} may access. */
    private static boolean isFlat(Insn i, CodeMode mode) {
        return i.addressSize == 4 && mode.wideStack() && isFlat(i.segment, mode) && isFlat(Segment.SS, mode)
                && isFlat(Segment.ES, mode);
    }

    private static boolean isFlat(int segment, CodeMode mode) {
        return mode.whole(segment) && mode.zeroBase(segment);
    }

    /** The interpreter has it by {@code label}. */
    void steps(Label label) {
        step = label;
    }

    /** Where to jump with what {@link CrossingStubs#copy} takes. */
    Label begin() {
        return begin;
    }

    /** Here ADDRESS has the operand's address on the host, or that of its copy. */
    void bindBack() {
        a.bind(back);
        position = a.length();
        places = a.places();
        noted = code.relocations().noted();
    }

    /** Here the instruction ends: unless it has to do with places, what is behind {@link #bindBack} can be executed elsewhere. */
    void end() {
        if (a.places() == places && code.relocations().noted() == noted) {
            again = a.from(position);
            a.bind(done);
        }
    }

    /** Writes what is out of line; {@code first} is whether that is in front of where the interpreter has the instruction. */
    void write(boolean first) {
        a.bind(begin);
        if (!write) {
            a.call(copy);
            a.j(Cond.E, back);
        } else if (again != null) {
            writeAgain();
            return;
        }
        if (!first) {
            a.jmp(step);
        }
    }

    private void writeAgain() {
        a.call(copy);
        a.j(Cond.NE, step);
        a.bytes(again);
        a.mov(TEMP, size);
        a.call(writeBack);
        a.jmp(done);
    }
}
