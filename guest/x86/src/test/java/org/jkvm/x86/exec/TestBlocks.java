package org.jkvm.x86.exec;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;

/** Makes blocks of instructions that a test decoded, as if they had been found in memory. */
public final class TestBlocks {
    private TestBlocks() {
    }

    /** The block of {@code insns}, which start at {@code linear}, in the present mode; it must be possible to fetch from there. */
    public static Block of(X86Cpu cpu, long linear, Insn... insns) {
        int length = insns[insns.length - 1].end;
        return new Block(linear, cpu.mmu.fetch(linear), BlockCache.NO_PAGE, BlockCache.mode(cpu), insns, length);
    }
}
