package org.jkvm.x86.exec.avx;

import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putInt;
import static org.jkvm.linux.RawMemory.putLong;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.fp.Float32;
import org.jkvm.x86.fp.Float64;
import org.jkvm.x86.fp.FpEnv;
import org.jkvm.x86.isa.Handler;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;

/** Fused multiply-add (SDM vol. 1, 14.5). */
public final class Fma {
    /** What is added or subtracted: (-)(x * y) (-) z, in even and in odd elements. */
    public enum Operation {
        /** x * y + z. */
        MADD(false, false, false),
        /** x * y - z. */
        MSUB(false, true, true),
        /** -(x * y) + z. */
        NMADD(true, false, false),
        /** -(x * y) - z. */
        NMSUB(true, true, true),
        /** Subtracts in even elements, adds in odd ones. */
        MADDSUB(false, true, false),
        /** Adds in even elements, subtracts in odd ones. */
        MSUBADD(false, false, true);

        private final boolean negatesProduct;
        private final boolean subtractsEven;
        private final boolean subtractsOdd;

        Operation(boolean negatesProduct, boolean subtractsEven, boolean subtractsOdd) {
            this.negatesProduct = negatesProduct;
            this.subtractsEven = subtractsEven;
            this.subtractsOdd = subtractsOdd;
        }

        private boolean subtracts(int element) {
            return (element & 1) == 0 ? subtractsEven : subtractsOdd;
        }
    }

    private Fma() {
    }

    /**
     * An instruction's handler.
     *
     * @param order which operands are x, y and z: "132", "213" or "231"
     * @param wide  elements are binary64
     */
    public static Handler of(Operation operation, String order, boolean wide, boolean scalar) {
        int x = order.charAt(0) - '1';
        int y = order.charAt(1) - '1';
        int z = order.charAt(2) - '1';
        int element = wide ? 8 : 4;
        return (c, i) -> {
            Avx.check(c);
            int third = Avx.operand(c, i, i.src2, i.src2Size);
            Avx.set(c, CpuState.LANES, c.st + i.dst, 16);
            compute(c, operation, wide, scalar ? element : i.dstSize,
                    c.st + which(i, x, third), c.st + which(i, y, third), c.st + which(i, z, third));
            Avx.set(c, i.dst, c.st + CpuState.LANES, scalar ? 16 : i.dstSize);
        };
    }

    /** Where operand {@code n} of three is. */
    private static int which(Insn i, int n, int third) {
        return n == 0 ? i.dst : n == 1 ? i.src : third;
    }

    private static void compute(X86Cpu c, Operation operation, boolean wide, int bytes, long x, long y, long z) {
        FpEnv env = c.sse.begin(c);
        long to = c.st + CpuState.LANES;
        boolean negates = operation.negatesProduct;
        if (wide) {
            for (int n = 0; 8 * n < bytes; n++) {
                putLong(to + 8 * n, Float64.multiplyAdd(env, getLong(x + 8 * n), getLong(y + 8 * n), getLong(z + 8 * n),
                        negates, operation.subtracts(n)));
            }
        } else {
            for (int n = 0; 4 * n < bytes; n++) {
                putInt(to + 4 * n, Float32.multiplyAdd(env, getInt(x + 4 * n), getInt(y + 4 * n), getInt(z + 4 * n),
                        negates, operation.subtracts(n)));
            }
        }
        c.sse.finish(c);
    }
}
