package org.jkvm.x86.exec;

import org.jkvm.linux.RawMemory;
import org.jkvm.x64.HostAtomics;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.mmu.HostAccess;

/**
 * Locked read-modify-write (SDM vol. 3A, section 9.1.2). In guest RAM it is the host's own, so that it is atomic against
 * other processors whatever executes them. What crosses pages is two pieces of host memory: it is done under one lock, which
 * holds against the same kind alone, as does what the devices answer.
 */
final class Locked {
    private static final Object PIECES = new Object();

    private Locked() {
    }

    static void modify(X86Cpu c, long linear, int size, long b, Alu.Change change) {
        long host = c.mmu.locked.host(linear, size);
        if (host == 0) {
            synchronized (PIECES) {
                Alu.modifySlowly(c, linear, size, b, change);
            }
        } else {
            exchange(c, host, size, b, change);
            c.mmu.locked.written(linear, size);
        }
    }

    /** Flags are the instruction's input too: each attempt starts from the same ones. */
    private static void exchange(X86Cpu c, long host, int size, long b, Alu.Change change) {
        long result = c.flagResult;
        long carry = c.flagCarry;
        long aux = c.flagAux;
        long old = HostAccess.read(host, size);
        while (!compareAndSet(host, size, old, change.apply(c, size, old, b))) {
            c.flagResult = result;
            c.flagCarry = carry;
            c.flagAux = aux;
            old = HostAccess.read(host, size);
        }
    }

    /**
     * Compares and sets {@code size} bytes at a host address; atomically, but on hosts that can't where they cross 8 bytes.
     *
     * @return whether {@code expected} was found
     */
    private static boolean compareAndSet(long host, int size, long expected, long value) {
        if ((host & 7) + size > 8) {
            return HostAtomics.AVAILABLE ? HostAtomics.compareAndSet(host, size, expected, value)
                    : compareAndSetPieces(host, size, expected, value);
        }
        if (size == 8) {
            return RawMemory.compareAndExchangeLong(host, expected, value) == expected;
        }
        long word = host & -8L;
        int shift = (int) (host & 7) * 8;
        long lane = (1L << 8 * size) - 1 << shift;
        long old = RawMemory.getLong(word);
        if ((old & lane) >>> shift != expected) {
            return false;
        }
        return RawMemory.compareAndExchangeLong(word, old, old & ~lane | value << shift & lane) == old;
    }

    private static synchronized boolean compareAndSetPieces(long host, int size, long expected, long value) {
        boolean same = HostAccess.read(host, size) == expected;
        if (same) {
            HostAccess.write(host, size, value);
        }
        return same;
    }

    /**
     * CMPXCHG16B's exchange at a linear address that is a multiple of 16.
     *
     * @param found gets what was there, low half first
     * @return whether RDX:RAX was there, and RCX:RBX is now
     */
    static boolean compareExchange16(X86Cpu c, long linear, long[] found) {
        long host = c.mmu.locked.host(linear, 16);
        if (host == 0 || !HostAtomics.AVAILABLE) {
            synchronized (PIECES) {
                return compareExchangePieces(c, linear, found);
            }
        }
        for (;;) {
            found[0] = RawMemory.getLong(host);
            found[1] = RawMemory.getLong(host + 8);
            boolean equal = found[0] == c.general(0) && found[1] == c.general(2);
            long low = equal ? c.general(3) : found[0];
            long high = equal ? c.general(1) : found[1];
            if (HostAtomics.compareAndSet16(host, found[0], found[1], low, high)) {
                c.mmu.locked.written(linear, 16);
                return equal;
            }
        }
    }

    private static boolean compareExchangePieces(X86Cpu c, long linear, long[] found) {
        c.mmu.probeWrite(linear, 16);
        found[0] = c.mmu.load64(linear);
        found[1] = c.mmu.load64(linear + 8);
        boolean equal = found[0] == c.general(0) && found[1] == c.general(2);
        if (equal) {
            c.mmu.store64(linear, c.general(3));
            c.mmu.store64(linear + 8, c.general(1));
        }
        return equal;
    }
}
