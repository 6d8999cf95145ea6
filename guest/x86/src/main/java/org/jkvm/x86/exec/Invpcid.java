package org.jkvm.x86.exec;

import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.Control;

/** INVPCID (SDM vol. 2A). The TLBs hold translations of the current process context alone. */
public final class Invpcid {
    private static final int ADDRESS = 0;
    private static final int CONTEXT = 1;
    private static final int LAST_TYPE = 3;
    private static final long PCID = 0xfff;

    private Invpcid() {
    }

    /** INVPCID: drops one page, or everything. */
    public static void invpcid(X86Cpu c, Insn i) {
        c.requirePrivilege();
        long at = c.linearRead(i, 16);
        long context = c.mmu.load64(at);
        long linear = c.mmu.load64(i.bits64 ? at + 8 : at + 8 & 0xffff_ffffL);
        long type = c.reg(i.dst, i.dstSize);
        check(c, type, context, linear);
        if (type == ADDRESS) {
            c.mmu.flushPage(linear);
        } else {
            c.mmu.flushAll();
        }
        c.leaveBlock = true;
    }

    private static void check(X86Cpu c, long type, long context, long linear) {
        boolean contexts = (c.control(4) & Control.CR4_PCIDE) != 0;
        boolean named = Long.compareUnsigned(type, CONTEXT) <= 0;
        boolean wrong = Long.compareUnsigned(type, LAST_TYPE) > 0 || (context & ~PCID) != 0
                || named && !contexts && context != 0 || type == ADDRESS && linear << 16 >> 16 != linear;
        if (wrong) {
            throw c.fault(Vector.GP, 0);
        }
    }
}
