package org.jkvm.x86.exec;

import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.Rflags;

/** 16-byte memory operands. */
final class Wide {
    private Wide() {
    }

    /** CMPXCHG16B; under one lock for all processors of the process, as the host offers Java no wider exchange. */
    static void compareExchange(X86Cpu c, Insn i) {
        long at = c.linearWrite(i, 16);
        if ((at & 15) != 0) {
            throw c.fault(Vector.GP, 0);
        }
        c.mmu.probeWrite(at, 16);
        synchronized (Wide.class) {
            long low = c.mmu.load64(at);
            long high = c.mmu.load64(at + 8);
            boolean equal = low == c.general(0) && high == c.general(2);
            if (equal) {
                c.mmu.store64(at, c.general(3));
                c.mmu.store64(at + 8, c.general(1));
            } else {
                c.setGeneral(0, low);
                c.setGeneral(2, high);
            }
            setZero(c, equal);
        }
    }

    /** Sets ZF alone. */
    static void setZero(X86Cpu c, boolean zero) {
        int flags = c.arithmeticFlags();
        c.setArithmeticFlags(zero ? flags | Rflags.ZF : flags & ~Rflags.ZF);
    }
}
