package org.jkvm.x86.differential;

import java.util.Set;
import org.jkvm.x64.HostRegisters;
import org.jkvm.x86.isa.Feature;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.isa.Row;
import org.jkvm.x86.state.Rflags;

/** Which flags an instruction leaves undefined: by the table, and by its operands. */
final class Undefined {
    private static final int RCX = 1;
    private static final int C0 = 1 << 8;
    private static final int C1 = 1 << 9;
    private static final int C3 = 1 << 14;
    private static final String LETTERS = "oszapc";
    private static final int[] BITS = {Rflags.OF, Rflags.SF, Rflags.ZF, Rflags.AF, Rflags.PF, Rflags.CF};
    private static final Set<String> SHIFTS = Set.of("ROL", "ROR", "RCL", "RCR", "SHL", "SHR", "SAL", "SAR", "SHLD", "SHRD");

    private Undefined() {
    }

    /** Flags that {@code c} leaves undefined when it starts with {@code before}, as bits of RFLAGS. */
    static long flags(Candidate c, HostRegisters before) {
        return byTable(c.row()) | (SHIFTS.contains(c.row().mnemonic()) ? byCount(c, before) : 0);
    }

    /**
     * Bits of the x87 status word that {@code c} leaves undefined: what AMD's processors do with C1 in FCOMI and with the
     * quotient's bits in an invalid FPREM is not what Intel's do.
     */
    static int status(Candidate c) {
        String mnemonic = c.row().mnemonic();
        return mnemonic.matches("FU?COMIP?") ? C1 : mnemonic.startsWith("FPREM") ? C0 | C1 | C3 : 0;
    }

    /**
     * Whether processors disagree if a memory operand may lie at {@code target}: the SDM wants those of the SHA instructions
     * aligned (vol. 2A, table 2-21), AMD's processors take them anywhere.
     */
    static boolean alignment(Candidate c, long target) {
        return c.row().feature() == Feature.SHA && c.insn().memory() && (target & 15) != 0;
    }

    private static long byTable(Row row) {
        long flags = 0;
        for (char letter : row.flagsUndefined().toCharArray()) {
            flags |= BITS[LETTERS.indexOf(letter)];
        }
        return flags;
    }

    /**
     * SDM vol. 2B, SAL/SAR/SHL/SHR, RCL/RCR/ROL/ROR, SHLD, SHRD: a count of 0 changes no flag, OF is defined for a count of
     * 1, and CF of SHL and SHR up to the operand's width.
     */
    private static long byCount(Candidate c, HostRegisters before) {
        Insn i = c.insn();
        long count = count(c, before) & (i.dstSize == 8 ? 0x3f : 0x1f);
        boolean unsignedShift = c.row().mnemonic().matches("S[HA]L|SHR");
        return (count > 1 ? Rflags.OF : 0) | (unsignedShift && count >= 8L * i.dstSize ? Rflags.CF : 0);
    }

    private static long count(Candidate c, HostRegisters before) {
        boolean inRegister = c.row().operands().getLast().text().equals("CL");
        return inRegister ? before.general(RCX) : c.insn().imm;
    }
}
