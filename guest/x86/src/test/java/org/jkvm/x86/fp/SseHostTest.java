package org.jkvm.x86.fp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.jkvm.x64.CodeCache;
import org.jkvm.x64.HostCpu;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** binary32 and binary64 against the host's SSE unit, in every rounding mode, with and without FTZ and DAZ. */
class SseHostTest {
    private static final int CASES = 2_000;
    private static final long SEED = 32_641_121;
    private static final long LOW = 0xffff_ffffL;
    private static final int RAX = 0;
    private static HostCpu host;

    /** An operation on two operands; a binary32 is in the low half. */
    interface Operation {
        long apply(FpEnv env, long x, long y);
    }

    /** Instructions on XMM0 and XMM1, or RAX. */
    enum Instruction {
        ADDSS("F3 0F 58 C1", false, (e, x, y) -> Float32.add(e, (int) x, (int) y)),
        ADDSD("F2 0F 58 C1", true, Float64::add),
        SUBSS("F3 0F 5C C1", false, (e, x, y) -> Float32.subtract(e, (int) x, (int) y)),
        SUBSD("F2 0F 5C C1", true, Float64::subtract),
        MULSS("F3 0F 59 C1", false, (e, x, y) -> Float32.multiply(e, (int) x, (int) y)),
        MULSD("F2 0F 59 C1", true, Float64::multiply),
        DIVSS("F3 0F 5E C1", false, (e, x, y) -> Float32.divide(e, (int) x, (int) y)),
        DIVSD("F2 0F 5E C1", true, Float64::divide),
        SQRTSS("F3 0F 51 C1", false, (e, x, y) -> Float32.squareRoot(e, (int) y)),
        SQRTSD("F2 0F 51 C1", true, (e, x, y) -> Float64.squareRoot(e, y)),
        MINSS("F3 0F 5D C1", false, (e, x, y) -> Float32.min(e, (int) x, (int) y)),
        MINSD("F2 0F 5D C1", true, Float64::min),
        MAXSS("F3 0F 5F C1", false, (e, x, y) -> Float32.max(e, (int) x, (int) y)),
        MAXSD("F2 0F 5F C1", true, Float64::max),
        CMPEQSS("F3 0F C2 C1 00", false, (e, x, y) -> mask(Float32.compare(e, (int) x, (int) y, false) == FpOrder.EQUAL)),
        CMPLTSD("F2 0F C2 C1 01", true, (e, x, y) -> mask(Float64.compare(e, x, y, true) == FpOrder.LESS)),
        CMPUNORDSD("F2 0F C2 C1 03", true, (e, x, y) -> mask(Float64.compare(e, x, y, false) == FpOrder.UNORDERED)),
        CVTSS2SD("F3 0F 5A C1", true, (e, x, y) -> Float32.toFloat64(e, (int) y)),
        CVTSD2SS("F2 0F 5A C1", false, (e, x, y) -> Float64.toFloat32(e, y)),
        CVTSS2SI("F3 0F 2D C1", false, (e, x, y) -> Float32.toInt32(e, (int) y, e.rounding())),
        CVTTSS2SI("F3 48 0F 2C C1", true, (e, x, y) -> Float32.toInt64(e, (int) y, FpEnv.TRUNCATE)),
        CVTSD2SI("F2 48 0F 2D C1", true, (e, x, y) -> Float64.toInt64(e, y, e.rounding())),
        CVTTSD2SI("F2 0F 2C C1", false, (e, x, y) -> Float64.toInt32(e, y, FpEnv.TRUNCATE)),
        CVTSI2SS("F3 48 0F 2A C0", false, (e, x, y) -> Float32.fromInteger(e, x)),
        CVTSI2SD("F2 48 0F 2A C0", true, (e, x, y) -> Float64.fromInteger(e, x)),
        ROUNDSS("66 0F 3A 0A C1 04", false, (e, x, y) -> Float32.roundToIntegral(e, (int) y, e.rounding(), true)),
        ROUNDSD("66 0F 3A 0B C1 0A", true, (e, x, y) -> Float64.roundToIntegral(e, y, FpEnv.UP, false));

        final byte[] code;
        final boolean wide;
        final Operation ours;

        Instruction(String hex, boolean wide, Operation ours) {
            this.code = HexFormat.of().parseHex(hex.replace(" ", ""));
            this.wide = wide;
            this.ours = ours;
        }

        boolean isFloat32() {
            return name().endsWith("SS") || name().contains("SS2");
        }

        boolean toRegister() {
            return name().endsWith("SI");
        }

        boolean fromRegister() {
            return name().contains("SI2");
        }
    }

    private static long mask(boolean condition) {
        return condition ? -1 : 0;
    }

    @BeforeAll
    static void needsAnX86Host() {
        Assumptions.assumeTrue(CodeCache.isHostSupported(), "the host is not x86-64");
        host = new HostCpu();
    }

    @AfterAll
    static void close() {
        if (host != null) {
            host.close();
        }
    }

    @ParameterizedTest
    @EnumSource
    void resultsAndFlagsAreTheHosts(Instruction instruction) {
        FpOperands random = new FpOperands(SEED + instruction.ordinal());
        FpEnv env = FpEnv.sse();
        host.load(instruction.code);
        for (int n = 0; n < CASES; n++) {
            long x = operand(instruction, random);
            long y = operand(instruction, random);
            int mxcsr = 0x1f80 | random.below(8) << 13 | random.below(4) << 5;
            env.loadMxcsr(mxcsr);
            long ours = instruction.ours.apply(env, x, y);
            long theirs = onHost(instruction, mxcsr, x, y);
            assertThat(instruction.wide ? ours : ours & LOW).as("%s %x %x MXCSR %x", instruction, x, y, mxcsr)
                .isEqualTo(theirs);
            assertThat(env.mxcsr()).as("MXCSR after %s %x %x from %x", instruction, x, y, mxcsr)
                .isEqualTo(host.after().mxcsr());
        }
    }

    private static long operand(Instruction instruction, FpOperands random) {
        if (instruction.fromRegister()) {
            return random.significand();
        }
        boolean narrow = instruction.isFloat32() && instruction != Instruction.CVTSD2SS;
        return narrow ? random.float32() & LOW : random.float64();
    }

    private static long onHost(Instruction instruction, int mxcsr, long x, long y) {
        host.before().mxcsr(mxcsr);
        host.before().xmm(0, 0, x);
        host.before().xmm(1, 0, y);
        host.before().general(RAX, x);
        host.run();
        long result = instruction.toRegister() ? host.after().general(RAX) : host.after().xmm(0, 0);
        return instruction.wide ? result : result & LOW;
    }
}
