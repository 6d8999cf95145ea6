package org.jkvm.testkit;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jkvm.base.GuestMemory;

/** RAM from address 0 on, for testing bus masters without a machine. */
public final class FakeMemory implements GuestMemory {
    private final MemorySegment ram;

    /** Makes {@code size} bytes of zeroed RAM. */
    public FakeMemory(long size) {
        ram = Arena.ofAuto().allocate(size, 4096);
    }

    @Override
    public MemorySegment slice(long address, long length) {
        if (address < 0 || length < 0 || address > ram.byteSize() - length) {
            throw new BadAddress(address, length);
        }
        return ram.asSlice(address, length);
    }

    @Override
    public void markWritten(long address, long length) {
    }
}
