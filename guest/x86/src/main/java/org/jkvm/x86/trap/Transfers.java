package org.jkvm.x86.trap;

import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.putInt;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Segment;

/**
 * What generated code changes by system calls and returns: it writes the native struct, and says here which of what Java keeps
 * beside it has to follow. {@link #settle} is called whenever generated code has come back.
 */
public final class Transfers {
    /** RFLAGS.AC, and with it perhaps which TLB is in use. */
    public static final int ALIGNMENT = 1;
    /** CS and SS, and with them the privilege level, which is that of SS (SDM vol. 3A, section 5.5). */
    public static final int SEGMENTS = 1 << 1;
    /** An IRET was executed: NMIs may come again (SDM vol. 3A, section 6.7.1). */
    public static final int RETURN = 1 << 2;
    /** CS alone. */
    public static final int CODE = 1 << 3;

    private Transfers() {
    }

    /** Has {@code cpu} know what generated code changed since this was called last. */
    public static void settle(X86Cpu cpu) {
        int changes = getInt(cpu.st + CpuState.TRANSFERS);
        if (changes == 0) {
            return;
        }
        putInt(cpu.st + CpuState.TRANSFERS, 0);
        if ((changes & (SEGMENTS | CODE)) != 0) {
            cpu.segments.transferred(Segment.CS);
        }
        if ((changes & SEGMENTS) != 0) {
            cpu.segments.transferred(Segment.SS);
            cpu.cpl = Segment.dpl(cpu.segments.access(Segment.SS));
        }
        if ((changes & RETURN) != 0) {
            cpu.nmiBlocked = false;
        }
        cpu.mmu.selectTlb();
    }
}
