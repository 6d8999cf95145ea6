package org.jkvm.hybrid;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Processor time of a thread, as the kernel counts it (proc(5), /proc/pid/stat), in nanoseconds. Guest time is user time too.
 *
 * @param user   in user space, guest mode included
 * @param system in the kernel
 * @param guest  in guest mode, which the kernel counts where it enters it for /dev/kvm
 */
record ThreadTimes(long user, long system, long guest) {
    /** A thread that has not run. */
    static final ThreadTimes NONE = new ThreadTimes(0, 0, 0);
    /** USER_HZ is 100 on every architecture that we run on. */
    private static final long NANOS_PER_TICK = 10_000_000;
    private static final int UTIME = 14;
    private static final int STIME = 15;
    private static final int GUEST_TIME = 43;

    /** Those of thread {@code id} of this process; {@code otherwise} where it has ended. */
    static ThreadTimes of(int id, ThreadTimes otherwise) {
        try {
            String line = Files.readString(Path.of("/proc/self/task/" + id + "/stat"));
            String[] fields = line.substring(line.lastIndexOf(')') + 2).split(" ");
            return new ThreadTimes(field(fields, UTIME), field(fields, STIME), field(fields, GUEST_TIME));
        } catch (IOException ended) {
            return otherwise;
        }
    }

    /** Fields are counted from 1; the third is the first after the name in brackets. */
    private static long field(String[] fields, int number) {
        return Long.parseLong(fields[number - 3]) * NANOS_PER_TICK;
    }

    ThreadTimes minus(ThreadTimes earlier) {
        return new ThreadTimes(user - earlier.user, system - earlier.system, guest - earlier.guest);
    }
}
