package org.jkvm.x86.isa;

import org.jkvm.x86.X86Cpu;

/** What one opcode row does: the interpreter's semantics. */
@FunctionalInterface
public interface Handler {
    /**
     * Executes {@code i}. Everything that can fault comes before the first change of state, so that a fault leaves the
     * instruction restartable (SDM vol. 3A, section 6.6). RIP is the loop's, but for branches.
     */
    void execute(X86Cpu cpu, Insn i);
}
