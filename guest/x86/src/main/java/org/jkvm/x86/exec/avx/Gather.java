package org.jkvm.x86.exec.avx;

import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;

import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Handler;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.mmu.HostAccess;

/**
 * Gathers: elements whose mask has its sign set are loaded, from the lowest on; each that is done has its mask cleared, so
 * that a fault leaves what is still to be done (SDM vol. 2C, VPGATHERDD). The masks of those stay as they are, as on AMD's
 * processors; the SDM's pseudocode fills them with their signs.
 */
public final class Gather {
    private Gather() {
    }

    /** A gather of elements of {@code size} bytes at indices of {@code index} bytes. */
    public static Handler of(int index, int size) {
        return (c, i) -> {
            Avx.check(c);
            if (i.dst == i.src2 || i.dst == i.vsib || i.src2 == i.vsib) {
                throw c.fault(Vector.UD);
            }
            int length = i.vexL ? 32 : 16;
            int elements = length / Math.max(index, size);
            for (int n = 0; n < elements; n++) {
                gather(c, i, index, size, n);
            }
            Avx.set(c, i.dst, c.st + i.dst, size * elements);
            Avx.set(c, i.src2, 0, 0);
        };
    }

    private static void gather(X86Cpu c, Insn i, int index, int size, int n) {
        long mask = c.st + i.src2 + size * n;
        if (getInt(mask + size - 4) < 0) {
            long distance = index == 4 ? getInt(c.st + i.vsib + 4 * n) : getLong(c.st + i.vsib + 8 * n);
            long offset = c.effective(i) + (distance << i.scale) & i.addressMask;
            long value = c.mmu.load(c.linear(i.segment, offset, size, false), size);
            HostAccess.write(c.st + i.dst + size * n, size, value);
        }
        HostAccess.write(mask, size, 0);
    }
}
