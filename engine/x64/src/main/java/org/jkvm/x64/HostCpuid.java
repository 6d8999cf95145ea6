package org.jkvm.x64;

import static org.jkvm.x64.Size.DWORD;

import java.lang.foreign.MemorySegment;
import org.jkvm.linux.RawMemory;
import org.jkvm.linux.SharedMemory;

/** What the host's processor answers to CPUID, by executing it. For hosts where {@link CodeCache#isHostSupported}. */
public final class HostCpuid {
    private static final int PAGE = 0x1000;
    private static final int OSXSAVE = 27;
    private static final int[] LEAVES = {0, 1, 7, 0xd, 0x8000_0000, 0x8000_0001};

    private HostCpuid() {
    }

    /** The rows of the leaves that name features: function, subleaf, EAX, EBX, ECX, EDX. */
    public static int[][] rows() {
        MemorySegment registers = SharedMemory.mapAnonymous(PAGE, SharedMemory.PROT_READ | SharedMemory.PROT_WRITE);
        try (CodeCache cache = new CodeCache(PAGE, CodeCache.Protection.ofHost())) {
            long function = cache.place(code(cache.next()));
            int[][] rows = new int[LEAVES.length][];
            for (int n = 0; n < LEAVES.length; n++) {
                rows[n] = query(function, registers.address(), LEAVES[n]);
            }
            if ((rows[1][4] >>> OSXSAVE & 1) == 0) {
                hideExtendedState(rows);
            }
            return rows;
        } finally {
            SharedMemory.unmap(registers);
        }
    }

    // SAFETY: the registers' page is mapped for as long as this runs; the code touches its first 16 bytes.
    private static int[] query(long function, long registers, int leaf) {
        RawMemory.putInt(registers, leaf);
        RawMemory.putInt(registers + 4, 0);
        CodeCache.enter(function, registers);
        return new int[] {leaf, 0, RawMemory.getInt(registers), RawMemory.getInt(registers + 4),
            RawMemory.getInt(registers + 8), RawMemory.getInt(registers + 12)};
    }

    /** Features in leaves 1 and 7 that AVX's registers are needed for, by EAX to EDX (SDM vol. 2A, CPUID, tables 3-8, 3-10). */
    private static void hideExtendedState(int[][] rows) {
        for (int[] row : rows) {
            if (row[0] == 1) {
                row[4] &= ~(1 << 12 | 1 << 26 | 1 << 28 | 1 << 29);
            } else if (row[0] == 7) {
                row[3] &= ~(1 << 5);
                row[4] &= ~(1 << 9 | 1 << 10);
            }
        }
    }

    private static byte[] code(long origin) {
        Assembler a = new Assembler(origin);
        a.push(Gpr.RBX);
        a.mov(DWORD, Gpr.RAX, Mem.at(Gpr.RDI));
        a.mov(DWORD, Gpr.RCX, Mem.at(Gpr.RDI, 4));
        a.plain(StateInstructions.Plain.CPUID);
        a.mov(DWORD, Mem.at(Gpr.RDI), Gpr.RAX);
        a.mov(DWORD, Mem.at(Gpr.RDI, 4), Gpr.RBX);
        a.mov(DWORD, Mem.at(Gpr.RDI, 8), Gpr.RCX);
        a.mov(DWORD, Mem.at(Gpr.RDI, 12), Gpr.RDX);
        a.pop(Gpr.RBX);
        a.ret();
        return a.toByteArray();
    }
}
