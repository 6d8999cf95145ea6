package org.jkvm.linux;

import java.util.Map;

/** Error numbers of Linux on x86-64 and arm64 (include/uapi/asm-generic/errno-base.h, errno.h). */
public final class Errno {
    /** Operation not permitted. */
    public static final int EPERM = 1;
    /** No such file or directory. */
    public static final int ENOENT = 2;
    /** Interrupted system call. */
    public static final int EINTR = 4;
    /** Input/output error. */
    public static final int EIO = 5;
    /** Try again. */
    public static final int EAGAIN = 11;
    /** Out of memory. */
    public static final int ENOMEM = 12;
    /** Permission denied. */
    public static final int EACCES = 13;
    /** File exists, or the address range is in use. */
    public static final int EEXIST = 17;
    /** Invalid argument. */
    public static final int EINVAL = 22;
    /** Inappropriate ioctl for device. */
    public static final int ENOTTY = 25;
    /** No space left on device. */
    public static final int ENOSPC = 28;
    /** Operation not supported. */
    public static final int EOPNOTSUPP = 95;

    private static final Map<Integer, String> NAMES = Map.ofEntries(
            Map.entry(EPERM, "EPERM (operation not permitted)"), Map.entry(ENOENT, "ENOENT (no such file or directory)"),
            Map.entry(EINTR, "EINTR (interrupted)"), Map.entry(EIO, "EIO (input/output error)"),
            Map.entry(EAGAIN, "EAGAIN (try again)"), Map.entry(ENOMEM, "ENOMEM (out of memory)"),
            Map.entry(EACCES, "EACCES (permission denied)"), Map.entry(EEXIST, "EEXIST (already exists)"),
            Map.entry(EINVAL, "EINVAL (invalid argument)"),
            Map.entry(ENOTTY, "ENOTTY (not a terminal, or no such request)"),
            Map.entry(ENOSPC, "ENOSPC (no space left on device)"),
            Map.entry(EOPNOTSUPP, "EOPNOTSUPP (operation not supported)"));

    private Errno() {
    }

    /** The error's name and meaning. */
    public static String describe(int errno) {
        return NAMES.getOrDefault(errno, "errno " + errno);
    }
}
