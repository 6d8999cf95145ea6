package org.jkvm.x86.differential;

import java.util.stream.Stream;
import org.jkvm.x64.HostCpu;
import org.jkvm.x86.cpuid.CpuidTable;

/** What the host CPU can do: its own CPUID. */
final class HostCpuid {
    private static final int RAX = 0;
    private static final int RCX = 1;
    private static final int RDX = 2;
    private static final int RBX = 3;
    private static final byte[] CPUID = {0x0f, (byte) 0xa2};
    private static final int[][] LEAVES = {{0, 0}, {1, 0}, {7, 0}, {0xd, 0}, {0xd, 1}, {0x8000_0000, 0}, {0x8000_0001, 0}};

    private HostCpuid() {
    }

    static CpuidTable read() {
        try (HostCpu cpu = new HostCpu()) {
            cpu.load(CPUID);
            return new CpuidTable(Stream.of(LEAVES).map(leaf -> ask(cpu, leaf)).toArray(int[][]::new), 0);
        }
    }

    private static int[] ask(HostCpu cpu, int[] leaf) {
        cpu.before().general(RAX, leaf[0]);
        cpu.before().general(RCX, leaf[1]);
        cpu.run();
        return new int[] {leaf[0], leaf[1], answer(cpu, RAX), answer(cpu, RBX), answer(cpu, RCX), answer(cpu, RDX)};
    }

    private static int answer(HostCpu cpu, int register) {
        return (int) cpu.after().general(register);
    }
}
