package org.jkvm.x86.translate;

import org.jkvm.x64.Gpr;
import org.jkvm.x64.Mem;
import org.jkvm.x86.state.CpuState;

/**
 * Where guest registers are while generated code runs. RSP points at the vCPU's native struct, below which there is room for
 * signal handlers; three registers are the translator's own; guest RSP lives in R12. The eight old ones but RSP are in the
 * host's register of the same name, so that instructions with implied registers pass as they are. Four stay in the struct:
 * R8 to R11, which compiled code names half as often as R12 to R15, in whose place those are.
 */
final class HostRegisters {
    /** The native struct. */
    static final Gpr STRUCT = Gpr.RSP;
    /** Guest RSP. */
    static final Gpr STACK_POINTER = Gpr.R12;
    /** The address of a memory operand: first linear, then the host's. */
    static final Gpr ADDRESS = Gpr.R15;
    /** For whatever is needed within an instruction. */
    static final Gpr TEMP = Gpr.R14;
    /** Another. */
    static final Gpr OTHER = Gpr.R13;
    private static final int STACK_POINTER_NUMBER = 4;
    private static final int FIRST_IN_STRUCT = 8;
    private static final int LAST_IN_STRUCT = 11;
    private static final int RENAMED = 4;

    private HostRegisters() {
    }

    /** The host register of guest register {@code number}, or null where it stays in the struct. */
    static Gpr of(int number) {
        if (number == STACK_POINTER_NUMBER) {
            return STACK_POINTER;
        }
        return number < FIRST_IN_STRUCT ? Gpr.of(number) : number <= LAST_IN_STRUCT ? null : Gpr.of(number - RENAMED);
    }

    /** The field of the struct at {@code offset}. */
    static Mem field(int offset) {
        return Mem.at(STRUCT, offset);
    }

    /** The field that guest register {@code number} has in the struct. */
    static Mem slot(int number) {
        return field(CpuState.GENERAL + 8 * number);
    }
}
