package org.jkvm.x64;

import static org.jkvm.x64.Size.DWORD;

/** What the processor under this JVM can do: its CPUID, asked by generated code. */
public final class HostFeatures {
    /** Leaf 1's ECX: the operating system switches extended states; AVX (Intel SDM vol. 1, section 14.3). */
    private static final int OSXSAVE_AND_AVX = 1 << 27 | 1 << 28;
    private static final int CODE_BYTES = 0x1000;

    private HostFeatures() {
    }

    /** Asked once: the processor stays the same. */
    private static final class Holder {
        static final boolean AVX = CodeCache.isHostSupported()
                && (cpuid(1, 0, Gpr.RCX) & OSXSAVE_AND_AVX) == OSXSAVE_AND_AVX;
    }

    /** Whether 256-bit registers can be used. */
    public static boolean hasAvx() {
        return Holder.AVX;
    }

    /**
     * What CPUID leaves in one register; takes microseconds.
     *
     * @param answer RAX, RBX, RCX or RDX
     */
    public static int cpuid(int leaf, int subleaf, Gpr answer) {
        try (CodeCache code = new CodeCache(CODE_BYTES, CodeCache.Protection.ofHost())) {
            Assembler a = new Assembler(code.next());
            a.push(Gpr.RBX);
            a.mov(DWORD, Gpr.RAX, leaf);
            a.mov(DWORD, Gpr.RCX, subleaf);
            a.plain(StateInstructions.Plain.CPUID);
            a.mov(DWORD, Gpr.RAX, answer);
            a.pop(Gpr.RBX);
            a.ret();
            return (int) CodeCache.enter(code.place(a.toByteArray()), 0);
        }
    }
}
