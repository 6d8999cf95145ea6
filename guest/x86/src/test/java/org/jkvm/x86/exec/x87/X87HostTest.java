package org.jkvm.x86.exec.x87;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Consumer;
import org.jkvm.x64.CodeCache;
import org.jkvm.x64.HostCpu;
import org.jkvm.x64.HostRegisters;
import org.jkvm.x86.fp.Float80;
import org.jkvm.x86.fp.FpOperands;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every x87 instruction against the host's unit: random stacks, tags, flags, rounding, precision; masked exceptions. */
class X87HostTest {
    private static final int CASES = 300;
    private static final long SEED = 87_261_121;
    private static final int OPERAND = 16;
    private static final int FSW_WITHOUT_PRECISION = 0xffff & ~(0x20 | X87State.C0 | X87State.C1 | X87State.C3);
    private static HostCpu host;

    private final Arena arena = Arena.ofAuto();
    private final MemorySegment registers = arena.allocate(X87State.SIZE, 16);
    private final MemorySegment snapshot = arena.allocate(X87State.SIZE, 16);
    private final X87State state = new X87State(registers.address());
    private final X87Unit unit = new X87Unit(state);
    private final MemorySegment memory = arena.allocate(OPERAND, 8);
    private final Float80 ours = new Float80();

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

    static List<X87Case> instructions() {
        return X87Case.all();
    }

    @ParameterizedTest
    @MethodSource("instructions")
    void everyInstructionLeavesWhatTheHostLeaves(X87Case instruction) {
        FpOperands random = new FpOperands(SEED + instruction.name().hashCode());
        host.load(encode(instruction));
        for (int n = 0; n < CASES; n++) {
            prepare(random);
            for (int i = 0; i < 8; i++) {
                random.float80(ours);
                state.storePhysical(i, ours);
            }
            snapshot.copyFrom(registers);
            runBoth(instruction);
            compare(instruction);
        }
    }

    /** Control, status and tags; and a memory operand that is a fit value of any of its types now and then. */
    private void prepare(FpOperands random) {
        state.initialize();
        state.setControl(0x3f | random.below(16) << 8);
        state.setStatus(random.below(0x10000) & ~0x8080);
        state.setValid(random.below(3) == 0 ? random.below(256) : 255);
        memory.set(JAVA_LONG_UNALIGNED, 0, random.significand());
        memory.set(JAVA_LONG_UNALIGNED, 8, random.significand());
        switch (random.below(4)) {
            case 0 -> memory.set(JAVA_INT_UNALIGNED, 0, random.float32());
            case 1 -> memory.set(JAVA_LONG_UNALIGNED, 0, random.float64());
            default -> { }
        }
    }

    private void runBoth(X87Case instruction) {
        HostRegisters before = host.before();
        before.rflags(2);
        before.controlWord(state.control());
        before.statusWord(state.status());
        before.fx().set(JAVA_BYTE, HostRegisters.FTW, (byte) state.valid());
        for (int i = 0; i < 8; i++) {
            state.load(i, ours);
            before.st(i, ours.signExponent(), ours.significand());
        }
        host.memory().asSlice(0, OPERAND).copyFrom(memory);
        host.run();
        instruction.action().run(unit, memory);
    }

    private void compare(X87Case instruction) {
        HostRegisters after = host.after();
        Object where = new Origin(instruction.name());
        assertThat(state.control()).as("control after %s", where).isEqualTo(after.controlWord());
        assertThat(state.status() & instruction.flags()).as("status after %s", where)
            .isEqualTo(after.statusWord() & instruction.flags());
        assertThat(state.valid()).as("tags after %s", where)
            .isEqualTo(after.fx().get(JAVA_BYTE, HostRegisters.FTW) & 0xff);
        for (int i = 0; i < 8; i++) {
            state.load(i, ours);
            assertThat(ours).as("ST%d after %s", i, where).isEqualTo(hostRegister(i));
        }
        assertThat(memory.mismatch(host.memory().asSlice(0, OPERAND))).as("memory after %s", where).isEqualTo(-1);
    }

    private static Float80 hostRegister(int i) {
        return new Float80(host.after().signExponent(i), host.after().significand(i));
    }

    /** What an instruction started from, written out only where something differs. */
    private final class Origin {
        private final String name;

        Origin(String name) {
            this.name = name;
        }

        @Override
        public String toString() {
            X87State before = new X87State(snapshot.address());
            StringBuilder text = new StringBuilder("%s from FCW %x FSW %x tags %x memory %x:%x".formatted(name,
                before.control(), before.status(), before.valid(),
                host.memory().get(JAVA_LONG_UNALIGNED, 8), host.memory().get(JAVA_LONG_UNALIGNED, 0)));
            for (int i = 0; i < 8; i++) {
                before.load(i, ours);
                text.append(" ST").append(i).append('=').append(ours);
            }
            return text.toString();
        }
    }

    /** Memory operands are [disp32], which is where the host's scratch memory lies. */
    private static byte[] encode(X87Case instruction) {
        int at = (int) host.memory().address();
        if (!instruction.inMemory()) {
            return new byte[] {(byte) instruction.opcode(), (byte) instruction.modrm()};
        }
        return new byte[] {(byte) instruction.opcode(), (byte) (instruction.modrm() | 4), 0x25,
            (byte) at, (byte) (at >>> 8), (byte) (at >>> 16), (byte) (at >>> 24)};
    }

    /** The transcendentals, each with exponents of the operands for which it is defined. */
    enum Function {
        F2XM1(0xf0, -70, -1, 0, 0, X87Unit::exponential),
        FYL2X(0xf1, -40, 40, -40, 40, X87Unit::logarithm),
        FYL2XP1(0xf9, -70, -3, -40, 40, X87Unit::logarithmPlus1),
        FPATAN(0xf3, -40, 40, -40, 40, X87Unit::arctangent),
        FPTAN(0xf2, -40, 64, 0, 0, X87Unit::tangent),
        FSIN(0xfe, -40, 64, 0, 0, X87Unit::sine),
        FCOS(0xff, -40, 64, 0, 0, X87Unit::cosine),
        FSINCOS(0xfb, -40, 64, 0, 0, X87Unit::sineAndCosine);

        final X87Case instruction;
        final int[] range;

        Function(int modrm, int xLeast, int xMost, int yLeast, int yMost, Consumer<X87Unit> action) {
            instruction = new X87Case(name(), 0xd9, modrm, 0, (u, m) -> action.accept(u));
            range = new int[] {xLeast, xMost, yLeast, yMost};
        }
    }

    @ParameterizedTest
    @EnumSource
    void transcendentalsAgreeToOneUnitInTheLastPlace(Function function) {
        FpOperands random = new FpOperands(SEED + function.ordinal());
        host.load(encode(function.instruction));
        for (int n = 0; n < CASES; n++) {
            prepare(random);
            state.setValid(random.below(2) == 0 ? 0x3 << state.top() & 0xff | 0x3 << state.top() >>> 8 : 0xff);
            random.float80(ours, function.range[0], function.range[1]);
            state.store(0, ours);
            random.float80(ours, function.range[2], function.range[3]);
            state.store(1, ours);
            snapshot.copyFrom(registers);
            runBoth(function.instruction);
            compareNearly(new Origin(function.name()));
        }
    }

    /** #P and C1 may differ where the last place does. */
    private void compareNearly(Origin where) {
        assertThat(Integer.toHexString(state.status() & FSW_WITHOUT_PRECISION)).as("status after %s", where)
            .isEqualTo(Integer.toHexString(host.after().statusWord() & FSW_WITHOUT_PRECISION));
        for (int i = 0; i < 8; i++) {
            state.load(i, ours);
            assertThat(distance(ours, hostRegister(i))).as("ST%d: %s, host %s after %s", i, ours, hostRegister(i), where)
                .isBetween(-1L, 1L);
        }
    }

    /** Units in the last place between two values of one sign; the exponent continues the significand upwards. */
    private static long distance(Float80 one, Float80 other) {
        int exponents = one.signExponent() - other.signExponent();
        long significands = (one.significand() & Long.MAX_VALUE) - (other.significand() & Long.MAX_VALUE);
        return switch (exponents) {
            case 0 -> significands;
            case 1 -> significands + Long.MAX_VALUE + 1;
            case -1 -> significands - Long.MAX_VALUE - 1;
            default -> Long.MAX_VALUE;
        };
    }
}
