package org.jkvm.x86.exec;

import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.Rflags;

/** 16-byte memory operands. */
final class Wide {
    private Wide() {
    }

    /** CMPXCHG16B. */
    static void compareExchange(X86Cpu c, Insn i) {
        long at = c.linearWrite(i, 16);
        if ((at & 15) != 0) {
            throw c.fault(Vector.GP, 0);
        }
        long[] found = new long[2];
        boolean equal = Locked.compareExchange16(c, at, found);
        if (!equal) {
            c.setGeneral(0, found[0]);
            c.setGeneral(2, found[1]);
        }
        setZero(c, equal);
    }

    /** Sets ZF alone. */
    static void setZero(X86Cpu c, boolean zero) {
        int flags = c.arithmeticFlags();
        c.setArithmeticFlags(zero ? flags | Rflags.ZF : flags & ~Rflags.ZF);
    }
}
