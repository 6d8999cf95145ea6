package org.jkvm.x86.fp;

/** binary16, which is converted from and to binary32 and nothing else (SDM vol. 1, 14.4). */
public final class Float16 {
    private static final int ROUNDING_AND_FTZ = 0xe000;

    private Float16() {
    }

    /** Widens the low 16 bits of {@code x}; denormals are read as such whatever DAZ says, and raise nothing. */
    public static int toFloat32(FpEnv env, int x) {
        env.a.load16(x);
        env.a.denormal = false;
        return Float32.convert(env, env.a);
    }

    /** Narrows a binary32, rounding by {@code mode} (an RC value); denormal results stay whatever FTZ says. */
    public static int fromFloat32(FpEnv env, int x, int mode) {
        int mxcsr = env.mxcsr();
        env.loadMxcsr(mxcsr & ~ROUNDING_AND_FTZ | mode << 13);
        env.a.load32(x, env.daz());
        boolean done = FpMath.nanOperand(env, env.a, env.a, env.r) || FpMath.denormalFault(env, env.a, env.a);
        int result = Rounding.pack16(env, done ? env.r : env.a);
        int flags = env.flags();
        env.loadMxcsr(mxcsr);
        env.setFlags(flags);
        return result;
    }
}
