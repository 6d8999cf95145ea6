package org.jkvm.x86.trap;

import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putLong;

import java.util.Arrays;
import org.jkvm.x86.GuestFault;
import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Request;
import org.jkvm.x86.state.Rflags;

/**
 * Debug registers: instruction, data and I/O breakpoints, single step (SDM vol. 3B, section 17.2). Data breakpoints take
 * their pages out of the TLB, so that watching costs nothing elsewhere.
 */
public final class Debug {
    private static final long DR6_ONES = 0xffff_0ff0L;
    private static final long DR6_BS = 1 << 14;
    private static final long DR6_BD = 1 << 13;
    private static final long DR7_GD = 1 << 13;
    private static final int EXECUTE = 0;
    private static final int WRITE = 1;
    private static final int IO = 2;
    private static final int READ_WRITE = 3;

    private final X86Cpu cpu;
    private final long registers;
    private long pending;
    private boolean watching;
    private boolean breaking;
    /** A debugger's addresses and DR7, which stand in for the guest's while it has some; null without. */
    private long[] debugger;
    private long debuggerDr7;
    /** Which of a debugger's were hit, a bit each. */
    private int hits;

    /** Made by the processor. */
    public Debug(X86Cpu cpu) {
        this.cpu = cpu;
        this.registers = cpu.st + CpuState.DEBUG;
    }

    /** DR7. */
    public long dr7() {
        return getLong(registers + 56);
    }

    /** Whether instruction breakpoints are on: each instruction must be looked at. */
    public boolean breaking() {
        return breaking;
    }

    /** Whether a data breakpoint lies in the page. */
    public boolean watches(long linearPage) {
        if (!watching) {
            return false;
        }
        for (int n = 0; n < 4; n++) {
            boolean data = enabled(n) && (type(n) == WRITE || type(n) == READ_WRITE);
            if (data && (address(n) & -4096L) == linearPage) {
                return true;
            }
        }
        return false;
    }

    /** Reads DR {@code number}; 4 and 5 are 6 and 7 unless CR4.DE (SDM vol. 3B, section 17.2.2). */
    public long read(int number) {
        checkAccess(number);
        return getLong(registers + 8 * alias(number));
    }

    /** Writes DR {@code number}. */
    public void write(int number, long value) {
        checkAccess(number);
        int n = alias(number);
        if (n >= 6 && value >>> 32 != 0) {
            throw cpu.fault(Vector.GP, 0);
        }
        switch (n) {
            case 6 -> putLong(registers + 48, value & 0xe00fL | DR6_ONES);
            case 7 -> putLong(registers + 56, value & ~0xd000L | 0x400);
            default -> putLong(registers + 8 * n, value);
        }
        changed();
    }

    /** Works out again what is watched, after the registers changed. */
    public void changed() {
        watching = false;
        breaking = false;
        for (int n = 0; n < 4; n++) {
            if (enabled(n)) {
                breaking |= type(n) == EXECUTE;
                watching |= type(n) == WRITE || type(n) == READ_WRITE;
            }
        }
        cpu.mmu.flushAll();
        cpu.leaveBlock = true;
    }

    /**
     * A debugger's breakpoints stand in for the guest's from now on: one that is hit requests {@link Request#STEPPED}.
     *
     * @param addresses at most four, or null where the guest's hold again
     */
    public void watchFor(long[] addresses, long dr7) {
        debugger = addresses == null ? null : Arrays.copyOf(addresses, 4);
        debuggerDr7 = dr7;
        changed();
    }

    /** Returns and clears which of a debugger's breakpoints were hit. The instruction at which it stopped is executed next. */
    public int takeHits() {
        int taken = hits;
        hits = 0;
        for (int n = 0; n < 4; n++) {
            if ((taken >> n & 1) != 0 && type(n) == EXECUTE) {
                cpu.setFlag(Rflags.RF, true);
            }
        }
        return taken;
    }

    private void stop(long which) {
        hits |= (int) which;
        cpu.request(Request.STEPPED);
    }

    private long control() {
        return debugger == null ? dr7() : debuggerDr7;
    }

    private void checkAccess(int number) {
        if ((number == 4 || number == 5) && (cpu.control(4) & Control.CR4_DE) != 0 || number > 7) {
            throw cpu.fault(Vector.UD);
        }
        if ((dr7() & DR7_GD) != 0) {
            putLong(registers + 48, getLong(registers + 48) | DR6_BD);
            putLong(registers + 56, dr7() & ~DR7_GD);
            throw cpu.fault(Vector.DB);
        }
    }

    private static int alias(int number) {
        return number == 4 || number == 5 ? number + 2 : number;
    }

    private boolean enabled(int n) {
        return (control() >>> 2 * n & 3) != 0;
    }

    private int type(int n) {
        return (int) (control() >>> 16 + 4 * n & 3);
    }

    private int length(int n) {
        int code = (int) (control() >>> 18 + 4 * n & 3);
        return code == 2 ? 8 : code + 1;
    }

    private long address(int n) {
        return debugger == null ? getLong(registers + 8 * n) : debugger[n];
    }

    // ---- hits ----

    /** A data read on a watched page. */
    public void watchRead(long linear, int size) {
        if (watching) {
            note(linear, size, false);
        }
    }

    /** A data write on a watched page. */
    public void watchWrite(long linear, int size) {
        if (watching) {
            note(linear, size, true);
        }
    }

    private void note(long linear, int size, boolean write) {
        for (int n = 0; n < 4; n++) {
            boolean kind = type(n) == READ_WRITE || type(n) == WRITE && write;
            if (kind && enabled(n) && overlaps(n, linear, size)) {
                pending |= 1L << n;
                cpu.leaveBlock = true;
            }
        }
    }

    /** A port access; breakpoints need CR4.DE. */
    public void watchPort(int port, int size) {
        for (int n = 0; n < 4; n++) {
            if ((cpu.control(4) & Control.CR4_DE) != 0 && type(n) == IO && enabled(n) && overlaps(n, port, size)) {
                pending |= 1L << n;
                cpu.leaveBlock = true;
            }
        }
    }

    private boolean overlaps(int n, long at, int size) {
        long start = address(n) & -(long) length(n);
        return at < start + length(n) && start < at + size;
    }

    /**
     * Throws #DB if an instruction breakpoint stands at {@code linear} and RF does not mask it; returns whether it is a debugger's,
     * and the instruction is not to be executed.
     */
    public boolean checkFetch(long linear) {
        if (!breaking || cpu.flag(Rflags.RF)) {
            return false;
        }
        long here = 0;
        for (int n = 0; n < 4; n++) {
            if (enabled(n) && type(n) == EXECUTE && address(n) == linear) {
                here |= 1L << n;
            }
        }
        if (here != 0 && debugger == null) {
            report(here);
            throw cpu.fault(Vector.DB);
        }
        if (here != 0) {
            stop(here);
        }
        return here != 0;
    }

    /** After an instruction: a #DB trap for data breakpoints and for {@code stepped} ones; false where there is none. */
    public boolean trap(boolean stepped) {
        if (debugger != null && pending != 0) {
            stop(pending);
            pending = 0;
        }
        long why = pending | (stepped ? DR6_BS : 0);
        pending = 0;
        if (why == 0) {
            return false;
        }
        report(why);
        cpu.interrupts.raise(Vector.DB, GuestFault.NO_ERROR_CODE);
        return true;
    }

    /** Whether a data breakpoint was hit and waits for the end of the instruction. */
    public boolean pending() {
        return pending != 0;
    }

    private void report(long why) {
        putLong(registers + 48, getLong(registers + 48) & ~15L | why);
    }

    /** Power-on state. */
    public void reset() {
        for (int n = 0; n < 4; n++) {
            putLong(registers + 8 * n, 0);
        }
        putLong(registers + 48, DR6_ONES);
        putLong(registers + 56, 0x400);
        pending = 0;
        changed();
    }
}
