package org.jkvm.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The process's local descriptor table on x86 hosts (modify_ldt(2)): 16-bit segments for generated code. */
public final class LocalDescriptors {
    /** Entries a table has. */
    public static final int ENTRIES = 8192;
    private static final long SYS_MODIFY_LDT = 154;
    private static final int WRITE = 1;
    private static final long USER_DESC_BYTES = 16;
    // Bits of user_desc (asm/ldt.h): seg_32bit, contents:2, read_exec_only, limit_in_pages, seg_not_present, useable
    private static final int CONTENTS_CODE = 2 << 1;
    private static final int USEABLE = 1 << 6;
    private static final MethodHandle SYSCALL = Native.link("syscall");

    private LocalDescriptors() {
    }

    /**
     * Makes entry {@code entry} a 16-bit segment of 64 KiB at linear address {@code base}: readable code or writable data.
     *
     * @return its selector, for privilege level 3
     * @throws org.jkvm.base.HostException where the kernel has no local descriptor tables (CONFIG_MODIFY_LDT_SYSCALL)
     */
    public static int set16(int entry, int base, boolean code) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment descriptor = arena.allocate(USER_DESC_BYTES, 4);
            descriptor.set(JAVA_INT, 0, entry);
            descriptor.set(JAVA_INT, 4, base);
            descriptor.set(JAVA_INT, 8, 0xffff);
            descriptor.set(JAVA_INT, 12, USEABLE | (code ? CONTENTS_CODE : 0));
            if (Native.call(SYSCALL, SYS_MODIFY_LDT, WRITE, descriptor.address(), USER_DESC_BYTES) != 0) {
                throw Native.failure("modify_ldt(" + entry + ")", "");
            }
        }
        return entry << 3 | 7;
    }
}
