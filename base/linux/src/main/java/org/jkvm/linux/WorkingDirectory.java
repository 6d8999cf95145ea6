package org.jkvm.linux;

import java.lang.foreign.Arena;
import java.lang.invoke.MethodHandle;

/** The folder that this process's relative file names begin in (chdir(2)); for libc and java.nio alike, in all threads at once. */
public final class WorkingDirectory {
    private static final MethodHandle CHDIR = Native.link("chdir");

    private WorkingDirectory() {
    }

    /**
     * Goes to {@code path}. What {@link java.nio.file.Path#toAbsolutePath} puts in front stays the folder of the JVM's start.
     *
     * @throws org.jkvm.base.HostException with errno
     */
    public static void change(String path) {
        try (Arena arena = Arena.ofConfined()) {
            if (Native.callInt(CHDIR, Native.string(arena, path).address()) != 0) {
                throw Native.failure("chdir(" + path + ")", "");
            }
        }
    }
}
