package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x86.translate.HostRegisters.ADDRESS;
import static org.jkvm.x86.translate.HostRegisters.TEMP;
import static org.jkvm.x86.translate.HostRegisters.field;
import static org.jkvm.x86.translate.HostRegisters.slot;

import java.util.EnumSet;
import java.util.Set;
import java.util.function.Consumer;
import org.jkvm.linux.MonotonicClock;
import org.jkvm.x64.ArithmeticInstructions.Alu;
import org.jkvm.x64.ArithmeticInstructions.Shift;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.Label;
import org.jkvm.x64.Mem;
import org.jkvm.x64.StateInstructions.Plain;
import org.jkvm.x86.Msrs;
import org.jkvm.x86.state.CpuState;

/**
 * How generated code reads the guest's time-stamp counter: from the host's clock, by the function that {@link System#nanoTime}
 * calls, or from the host's counter; and adds what {@link CpuState#TIME_OFFSET} says.
 */
final class TimeStubs {
    private static final int NANOS = 1_000_000_000;
    private static final int NANOS_ZEROES = 9;
    /** 2^75 / 5^9, rounded up: 10^9 is 2^9 times 5^9. */
    private static final long RECIPROCAL = 0x44_b82f_a09b_5a53L;
    private static final int RECIPROCAL_SHIFT = 11;
    private static final int HIGH_HALF = 32;
    private static final int GUEST_REGISTERS = 16;
    /** What a C function may change (System V ABI AMD64 supplement, section 3.2.1). */
    private static final Set<Gpr> VOLATILE = EnumSet.of(Gpr.RAX, Gpr.RCX, Gpr.RDX, Gpr.RSI, Gpr.RDI, Gpr.R8, Gpr.R9, Gpr.R10,
            Gpr.R11);
    /** What RDTSC changes. */
    private static final Set<Gpr> COUNTED = EnumSet.of(Gpr.RAX, Gpr.RDX);
    /** Room on the stack for seconds and nanoseconds, which leaves it aligned for a call. */
    private static final int ROOM = 24;

    private TimeStubs() {
    }

    /** A function that returns what {@link System#nanoTime} is thought to return. */
    static byte[] nanoTime(long origin) {
        Assembler a = new Assembler(origin);
        a.sub(QWORD, Gpr.RSP, ROOM);
        a.mov(QWORD, Gpr.RSI, Gpr.RSP);
        callClock(a);
        a.imul(QWORD, Gpr.RAX, Mem.at(Gpr.RSP), NANOS);
        a.alu(Alu.ADD, QWORD, Gpr.RAX, Mem.at(Gpr.RSP, 8));
        a.add(QWORD, Gpr.RSP, ROOM);
        a.ret();
        return a.toByteArray();
    }

    /**
     * Called from generated code, flags and whatever else is not general in memory or to go there: leaves the counter in
     * ADDRESS. TEMP is used. On the way {@code saveLive} has other registers saved, which must be loaded again then.
     */
    static byte[] read(long origin, Consumer<Assembler> saveLive) {
        Assembler a = new Assembler(origin);
        Label counter = new Label();
        Label read = new Label();
        a.pop(TEMP);
        a.mov(QWORD, field(CpuState.CARRIED), TEMP); // RSP is the struct again.
        a.cmp(DWORD, field(CpuState.TIME_SOURCE), Msrs.TimeSource.COUNTER.ordinal());
        a.j(Cond.E, counter);
        keep(a, VOLATILE);
        saveLive.accept(a);
        a.lea(QWORD, Gpr.RSI, field(CpuState.SCRATCH));
        callClock(a);
        countTicks(a);
        restore(a, VOLATILE);
        a.bind(read);
        a.alu(Alu.ADD, QWORD, ADDRESS, field(CpuState.TIME_OFFSET));
        a.mov(QWORD, TEMP, field(CpuState.CARRIED));
        a.push(TEMP);
        a.ret();
        a.bind(counter);
        readCounter(a);
        a.jmp(read);
        return a.toByteArray();
    }

    /**
     * ADDRESS becomes the ticks since zero, of whole seconds and of the rest, as {@link org.jkvm.base.time.Frequency} has it. A
     * number below 2^64 is divided by 10^9 if it is shifted by 9, multiplied by a reciprocal, and shifted by 11 + 64.
     */
    private static void countTicks(Assembler a) {
        Label later = new Label();
        a.mov(QWORD, ADDRESS, field(CpuState.SCRATCH));
        a.alu(Alu.SUB, QWORD, ADDRESS, field(CpuState.TIME_ZERO));
        a.mov(QWORD, Gpr.RAX, field(CpuState.SCRATCH + 8));
        a.alu(Alu.SUB, QWORD, Gpr.RAX, field(CpuState.TIME_ZERO + 8));
        a.j(Cond.AE, later);
        a.alu(Alu.SUB, QWORD, ADDRESS, 1);
        a.add(QWORD, Gpr.RAX, NANOS);
        a.bind(later);
        a.imul(QWORD, ADDRESS, field(CpuState.TIME_HERTZ));
        a.imul(QWORD, Gpr.RAX, field(CpuState.TIME_HERTZ));
        a.shift(Shift.SHR, QWORD, Gpr.RAX, NANOS_ZEROES);
        a.mov(Gpr.RCX, RECIPROCAL);
        a.mul(QWORD, Gpr.RCX);
        a.shift(Shift.SHR, QWORD, Gpr.RDX, RECIPROCAL_SHIFT);
        a.add(QWORD, ADDRESS, Gpr.RDX);
    }

    /** RSI says where to. It cannot fail: there is such a clock on every Linux, and the address is good. */
    private static void callClock(Assembler a) {
        a.mov(DWORD, Gpr.RDI, MonotonicClock.ID);
        a.mov(Gpr.RAX, MonotonicClock.function());
        a.call(Gpr.RAX);
    }

    /** As {@link org.jkvm.x64.HostTsc}. */
    private static void readCounter(Assembler a) {
        keep(a, COUNTED);
        a.plain(Plain.LFENCE);
        a.plain(Plain.RDTSC);
        a.shift(Shift.SHL, QWORD, Gpr.RDX, HIGH_HALF);
        a.mov(QWORD, ADDRESS, Gpr.RAX);
        a.alu(Alu.OR, QWORD, ADDRESS, Gpr.RDX);
        restore(a, COUNTED);
    }

    private static void keep(Assembler a, Set<Gpr> registers) {
        for (int n = 0; n < GUEST_REGISTERS; n++) {
            if (registers.contains(HostRegisters.of(n))) {
                a.mov(QWORD, slot(n), HostRegisters.of(n));
            }
        }
    }

    private static void restore(Assembler a, Set<Gpr> registers) {
        for (int n = 0; n < GUEST_REGISTERS; n++) {
            if (registers.contains(HostRegisters.of(n))) {
                a.mov(QWORD, HostRegisters.of(n), slot(n));
            }
        }
    }
}
