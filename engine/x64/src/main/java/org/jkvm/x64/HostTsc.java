package org.jkvm.x64;

import static org.jkvm.x64.Size.QWORD;

import java.util.function.LongSupplier;
import org.jkvm.x64.ArithmeticInstructions.Alu;
import org.jkvm.x64.ArithmeticInstructions.Shift;
import org.jkvm.x64.StateInstructions.Plain;

/** The time-stamp counter of the processor under this JVM. Any thread, until it is closed. */
public final class HostTsc implements LongSupplier, AutoCloseable {
    private static final int PAGE = 4096;
    private static final int HIGH_HALF = 32;

    private final CodeCache cache = new CodeCache(PAGE, CodeCache.Protection.ofHost());
    private final long read;

    /** For hosts where {@link CodeCache#isHostSupported}. */
    public HostTsc() {
        Assembler a = new Assembler(cache.next());
        // RDTSC may be executed ahead of earlier loads: of what another thread has read of it and told (SDM vol. 2B, RDTSC).
        a.plain(Plain.LFENCE);
        a.plain(Plain.RDTSC);
        a.shift(Shift.SHL, QWORD, Gpr.RDX, HIGH_HALF);
        a.alu(Alu.OR, QWORD, Gpr.RAX, Gpr.RDX);
        a.ret();
        read = cache.place(a.toByteArray());
    }

    @Override
    public long getAsLong() {
        return CodeCache.enter(read, 0);
    }

    @Override
    public void close() {
        cache.close();
    }
}
