package org.jkvm.x86.exec.avx;

import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putLong;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Handler;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;

/**
 * The VEX form of an SSE instruction: SSE's own handler, executed for each 128-bit lane on copies of the operands, so that
 * nothing is changed before all lanes are done. The copies are registers to it: it finds no memory to check or align.
 *
 * @param sse       executes one lane; its first operand is the first source and the destination
 * @param sources   registers and memory that it reads
 * @param stride    bytes from the second source of lane 0 to that of lane 1
 * @param shift     by how many bits of the immediate lane 1 is further than lane 0
 * @param length    how much of the destination it computes
 * @param memory    bytes of the operand in memory where that is not what the operand code says, or 0
 * @param immediate bits of the immediate that count if the operand is in memory
 */
public record LaneHandler(Handler sse, Sources sources, int stride, int shift, Length length, int memory, int immediate)
        implements Handler {
    private static final int LANE = 16;

    /** What an instruction reads, beside masks and immediates. */
    public enum Sources {
        /** The second operand. */
        SECOND,
        /** The second operand, in place of what SSE's reads and writes. */
        IN_PLACE,
        /** The second and the third operand. */
        BOTH
    }

    /** What an instruction computes. */
    public enum Length {
        /** Lane 0 alone, whatever VEX.L says. */
        SCALAR,
        /** As many lanes as VEX.L says. */
        VECTOR,
        /** As many lanes, of each the lower half. */
        HALVES
    }

    private static LaneHandler of(Handler sse, Sources sources, Length length) {
        return new LaneHandler(sse, sources, LANE, 0, length, 0, -1);
    }

    /** All lanes of two sources. */
    public static LaneHandler three(Handler sse) {
        return of(sse, Sources.BOTH, Length.VECTOR);
    }

    /** All lanes of one source. */
    public static LaneHandler two(Handler sse) {
        return of(sse, Sources.SECOND, Length.VECTOR);
    }

    /** All lanes of the one source, which SSE's form changes in place. */
    public static LaneHandler inPlace(Handler sse) {
        return of(sse, Sources.IN_PLACE, Length.VECTOR);
    }

    /** The lowest elements; the rest is the first source's. */
    public static LaneHandler scalar(Handler sse) {
        return of(sse, Sources.BOTH, Length.SCALAR);
    }

    /** The lower half of each lane of one source, packed into half a register. */
    public static LaneHandler halves(Handler sse) {
        return of(sse, Sources.SECOND, Length.HALVES);
    }

    /** With the second sources of lanes {@code bytes} apart. */
    public LaneHandler stride(int bytes) {
        return new LaneHandler(sse, sources, bytes, shift, length, memory, immediate);
    }

    /** With {@code bits} of the immediate for each lane. */
    public LaneHandler shift(int bits) {
        return new LaneHandler(sse, sources, stride, bits, length, memory, immediate);
    }

    /** With {@code bytes} of memory, of whose immediate {@code bits} count. */
    public LaneHandler memory(int bytes, int bits) {
        return new LaneHandler(sse, sources, stride, shift, length, bytes, bits);
    }

    @Override
    public void execute(X86Cpu c, Insn i) {
        Avx.check(c);
        int second = second(c, i);
        if (sources != Sources.SECOND) {
            Avx.set(c, CpuState.LANES, c.st + i.src, 32);
        }
        boolean wide = i.vexL && length != Length.SCALAR;
        c.sse.begin(c);
        lane(c, i, second, 0);
        if (wide) {
            lane(c, i, second, 1);
        }
        c.sse.finish(c);
        if (wide && length == Length.HALVES) {
            putLong(c.st + CpuState.LANES + 8, getLong(c.st + CpuState.LANES + LANE));
        }
        Avx.set(c, i.dst, c.st + CpuState.LANES, wide && length != Length.HALVES ? 32 : LANE);
    }

    /** Where the second source is, after every fault that it can raise. */
    private int second(X86Cpu c, Insn i) {
        return switch (sources) {
            case SECOND -> Avx.operand(c, i, i.src, memory != 0 ? memory : i.srcSize);
            case BOTH -> Avx.operand(c, i, i.src2, memory != 0 ? memory : i.src2Size);
            case IN_PLACE -> CpuState.ZERO;
        };
    }

    private void lane(X86Cpu c, Insn i, int second, int n) {
        Insn lane = c.lane;
        lane.vex = i.vex;
        lane.dst = (short) (CpuState.LANES + LANE * n);
        lane.src = (short) (second + stride * n);
        lane.src2 = (short) (i.src3 + LANE * n);
        lane.dstSize = LANE;
        lane.srcSize = sources == Sources.BOTH ? i.src2Size : i.srcSize;
        lane.imm = (i.memory() ? i.imm & immediate : i.imm) >> shift * n;
        c.sse.part(c, sse, lane);
    }
}
