package org.jkvm.x86.exec;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;

/** Makes blocks of instructions that a test decoded, as if they had been found in memory. */
public final class TestBlocks {
    private TestBlocks() {
    }

    /** The block of {@code insns}, which start at {@code rip}, in the present mode; it must be possible to fetch from there. */
    public static Block of(X86Cpu cpu, long rip, Insn... insns) {
        int length = insns[insns.length - 1].end;
        long linear = rip + cpu.segments.code().base();
        return new Block(linear, cpu.mmu.fetch(linear), BlockCache.NO_PAGE, Block.Context.of(cpu), insns, length);
    }
}
