package org.jkvm.linux;

import java.lang.foreign.Linker;
import org.jkvm.base.HostException;

/** The host's monotonic clock, which {@link System#nanoTime} reads, for code that is generated: clock_gettime(2). */
public final class MonotonicClock {
    /** CLOCK_MONOTONIC, include/uapi/linux/time.h. */
    public static final int ID = 1;

    private MonotonicClock() {
    }

    /** Address of libc's clock_gettime, a function of a clock's id and the address of seconds and nanoseconds, 8 bytes each. */
    public static long function() {
        return Linker.nativeLinker().defaultLookup().find("clock_gettime")
                .orElseThrow(() -> new HostException("libc has no clock_gettime")).address();
    }
}
