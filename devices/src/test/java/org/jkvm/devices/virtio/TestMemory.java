package org.jkvm.devices.virtio;

import org.jkvm.base.Bits;
import org.jkvm.testkit.FakeMemory;

/** Guest RAM with an allocator for tests. */
final class TestMemory {
    static final int SIZE = 8 << 20;
    final FakeMemory ram;
    private long next = 0x1000;

    TestMemory() {
        this(SIZE);
    }

    TestMemory(int size) {
        ram = new FakeMemory(size);
    }

    long allocate(long bytes, int alignment) {
        long at = Bits.alignUp(next, alignment);
        next = at + bytes;
        return at;
    }

    long put(byte[] bytes) {
        long at = allocate(bytes.length, 8);
        ram.write(at, bytes, 0, bytes.length);
        return at;
    }

    byte[] get(long address, int length) {
        byte[] bytes = new byte[length];
        ram.read(address, bytes, 0, length);
        return bytes;
    }
}
