package org.jkvm.x64;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.jkvm.base.HostException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HostCpuTest {
    private HostCpu cpu;

    @BeforeAll
    static void needsAnX86Host() {
        Assumptions.assumeTrue(CodeCache.isHostSupported(), "the host is not x86-64");
    }

    @BeforeEach
    void open() {
        cpu = new HostCpu();
    }

    @AfterEach
    void close() {
        if (cpu != null) {
            cpu.close();
        }
    }

    private HostCpu.Exit run(String hex) {
        cpu.load(HexFormat.of().parseHex(hex.replace(" ", "")));
        return cpu.run();
    }

    @Test
    void aNopKeepsEveryRegister() {
        fillRandomly(cpu.before(), new Random(1));
        assertThat(run("90")).isEqualTo(HostCpu.Exit.FELL_THROUGH);
        for (int i = 0; i < 16; i++) {
            assertThat(cpu.after().general(i)).as("register %d", i).isEqualTo(cpu.before().general(i));
            assertThat(cpu.after().xmm(i, 0)).as("xmm%d low", i).isEqualTo(cpu.before().xmm(i, 0));
            assertThat(cpu.after().xmm(i, 1)).as("xmm%d high", i).isEqualTo(cpu.before().xmm(i, 1));
        }
        for (int i = 0; i < 8; i++) {
            assertThat(cpu.after().significand(i)).as("st%d", i).isEqualTo(cpu.before().significand(i));
            assertThat(cpu.after().signExponent(i)).as("st%d", i).isEqualTo(cpu.before().signExponent(i));
        }
        assertThat(cpu.after().rflags() & HostCpu.INPUT_FLAGS).isEqualTo(cpu.before().rflags() & HostCpu.INPUT_FLAGS);
        assertThat(cpu.after().mxcsr()).isEqualTo(cpu.before().mxcsr());
        assertThat(cpu.after().controlWord()).isEqualTo(cpu.before().controlWord());
        assertThat(cpu.after().statusWord()).isEqualTo(cpu.before().statusWord());
    }

    private void fillRandomly(HostRegisters registers, Random random) {
        for (int i = 0; i < 16; i++) {
            registers.general(i, i == 4 ? cpu.stackPointer() : random.nextLong());
            registers.xmm(i, 0, random.nextLong());
            registers.xmm(i, 1, random.nextLong());
            registers.st(i & 7, random.nextInt(0x10000), random.nextLong());
        }
        registers.rflags(random.nextLong());
        registers.mxcsr(random.nextInt());
        registers.controlWord(random.nextInt(0x2000) | 0x3f);
        registers.statusWord(random.nextInt(0x10000) & ~0x8080); // ES and B follow from the masks
    }

    @Test
    void arithmeticSetsTheFlags() {
        cpu.before().general(0, 0x7fff_ffffL);
        cpu.before().general(3, 1);
        assertThat(run("01 d8")).isEqualTo(HostCpu.Exit.FELL_THROUGH); // add eax, ebx
        assertThat(cpu.after().general(0)).isEqualTo(0x8000_0000L);
        assertThat(cpu.after().rflags() & HostCpu.STATUS_FLAGS).isEqualTo(0x894); // OF SF AF PF
    }

    @Test
    void theDirectionFlagReachesStringInstructionsAndNotTheJvm() {
        cpu.memory().set(JAVA_LONG_UNALIGNED, 64, 42);
        cpu.before().general(6, cpu.memory().address() + 64);
        cpu.before().general(7, cpu.memory().address() + 128);
        cpu.before().rflags(0x400);
        run("48 a5"); // movsq
        assertThat(cpu.after().general(6)).isEqualTo(cpu.memory().address() + 56);
        assertThat(cpu.memory().get(JAVA_LONG_UNALIGNED, 128)).isEqualTo(42);
        assertThat(cpu.after().rflags() & 0x400).isEqualTo(0x400);
    }

    @Test
    void pushAndPopUseTheScratchStack() {
        cpu.before().general(0, 0x1122_3344_5566_7788L);
        run("50"); // push rax
        assertThat(cpu.after().general(4)).isEqualTo(cpu.stackPointer() - 8);
        cpu.before().copyFrom(cpu.after());
        run("5b"); // pop rbx
        assertThat(cpu.after().general(3)).isEqualTo(0x1122_3344_5566_7788L);
        assertThat(cpu.after().general(4)).isEqualTo(cpu.stackPointer());
    }

    @Test
    void tellsTakenBranchesFromOthers() {
        int displacement = (int) (cpu.branchTarget() - cpu.instructionAddress() - 2);
        byte[] je = {0x74, (byte) displacement};
        cpu.load(je);
        assertThat(cpu.run()).isEqualTo(HostCpu.Exit.FELL_THROUGH);
        cpu.before().rflags(0x40);
        assertThat(cpu.run()).isEqualTo(HostCpu.Exit.BRANCHED);
        cpu.before().general(0, cpu.branchTarget());
        assertThat(run("ff d0")).isEqualTo(HostCpu.Exit.BRANCHED); // call rax
        assertThat(cpu.after().general(4)).isEqualTo(cpu.stackPointer() - 8);
    }

    @Test
    void memoryHasTheSameAddressIn32Bits() {
        cpu.memory().set(JAVA_LONG_UNALIGNED, 0x1000, 0xfedc_ba98_7654_3210L);
        cpu.before().general(6, 0xffff_ffff_0000_0000L | cpu.memory().address() + 0x1000);
        run("67 48 8b 06"); // mov rax, [esi]
        assertThat(cpu.after().general(0)).isEqualTo(0xfedc_ba98_7654_3210L);
    }

    @Test
    void maskedFloatingPointExceptionsAreNoted() {
        cpu.before().xmm(0, 0, Double.doubleToRawLongBits(1.0));
        assertThat(run("f2 0f 5e c1")).isEqualTo(HostCpu.Exit.FELL_THROUGH); // divsd xmm0, xmm1
        assertThat(cpu.after().xmm(0, 0)).isEqualTo(Double.doubleToRawLongBits(Double.POSITIVE_INFINITY));
        assertThat(cpu.after().mxcsr()).isEqualTo(0x1f84); // ZE
    }

    @ParameterizedTest
    @CsvSource({
        "0f0b,           6",  // ud2
        "f7f3,           0",  // div ebx, which is 0
        "cc,             3",  // int3
        "488b00,        14",  // mov rax, [rax]
        "f4,            13",  // hlt
        "0f2e00,        14",  // ucomiss xmm0, [rax]
        "f20f5ec1,      19",  // divsd xmm0, xmm1, unmasked
        "9b,            16",  // fwait with an unmasked exception pending
        "ffe0,          14"}) // jmp rax, to an unmapped page
    void faultsComeBack(String code, int vector) {
        cpu.before().general(0, 0x10);
        cpu.before().general(2, 0x1234_5678_9abc_def0L);
        cpu.before().rflags(0x8c5);
        cpu.before().mxcsr(0);
        cpu.before().controlWord(0x300);
        cpu.before().statusWord(1);
        cpu.before().xmm(0, 0, Double.doubleToRawLongBits(1.0));
        assertThat(run(code)).isEqualTo(HostCpu.Exit.FAULTED);
        assertThat(cpu.fault().vector()).isEqualTo(vector);
        assertThat(cpu.after().general(2)).isEqualTo(0x1234_5678_9abc_def0L);
        assertThat(cpu.after().xmm(0, 0)).isEqualTo(Double.doubleToRawLongBits(1.0));
        assertThat(cpu.after().rflags() & HostCpu.STATUS_FLAGS).isEqualTo(0x8c5);
        assertThat(run("90")).isEqualTo(HostCpu.Exit.FELL_THROUGH);
    }

    @Test
    void pageFaultsSayWhere() {
        cpu.before().general(0, cpu.memory().address() + cpu.memory().byteSize());
        run("88 08"); // mov [rax], cl
        assertThat(cpu.fault()).isEqualTo(
                new HostCpu.Fault(14, 6, cpu.before().general(0), cpu.instructionAddress()));
    }

    @Test
    void aFaultNeedsNoStack() {
        cpu.before().general(4, 0x8000_0000_0000_0000L);
        assertThat(run("50")).isEqualTo(HostCpu.Exit.FAULTED); // push rax
        assertThat(cpu.fault().vector()).isEqualTo(12);
    }

    @Test
    void aSingleStepTrapComesBack() {
        cpu.memory().set(JAVA_LONG_UNALIGNED, 0, 0x102);
        cpu.before().general(4, cpu.memory().address());
        assertThat(run("9d")).isEqualTo(HostCpu.Exit.FAULTED); // popfq: the next instruction traps
        assertThat(cpu.fault().vector()).isEqualTo(1);
    }

    @Test
    void hotSpotStillSeesItsOwnFaults() {
        run("0f 0b");
        Object nothing = System.getProperty("org.jkvm.no-such-property");
        for (int i = 0; i < 20_000; i++) {
            assertThatNullPointerIsThrown(nothing);
        }
    }

    private static void assertThatNullPointerIsThrown(Object nothing) {
        boolean thrown = false;
        try {
            nothing.hashCode();
        } catch (NullPointerException e) {
            thrown = true;
        }
        assertThat(thrown).isTrue();
    }

    @Test
    void deepRecursionStillOverflows() {
        run("0f 0b");
        assertThatThrownBy(() -> recurse(0)).isInstanceOf(StackOverflowError.class);
        assertThat(run("90")).isEqualTo(HostCpu.Exit.FELL_THROUGH);
    }

    private static int recurse(int depth) {
        return recurse(depth + 1) + 1;
    }

    @Test
    void runs32BitInstructionsToo() {
        try (HostCpu narrow = new HostCpu(HostCpu.Mode.PROTECTED_32)) {
            narrow.before().general(0, 0xf);
            narrow.load(new byte[] {0x37}); // aaa
            assertThat(narrow.run()).isEqualTo(HostCpu.Exit.FELL_THROUGH);
            assertThat(narrow.after().general(0)).isEqualTo(0x105);
            narrow.before().general(6, narrow.memory().address());
            narrow.before().rflags(0x8d5);
            narrow.load(new byte[] {(byte) 0x89, 0x26}); // mov [esi], esp
            narrow.run();
            assertThat(narrow.memory().get(JAVA_LONG_UNALIGNED, 0)).isEqualTo(narrow.stackPointer());
            assertThat(narrow.after().rflags() & HostCpu.STATUS_FLAGS).isEqualTo(0x8d5);
            narrow.load(new byte[] {(byte) 0xd4, 0}); // aam 0
            assertThat(narrow.run()).isEqualTo(HostCpu.Exit.FAULTED);
            assertThat(narrow.fault().vector()).isZero();
            narrow.load(new byte[] {(byte) 0xeb, (byte) (narrow.branchTarget() - narrow.instructionAddress() - 2)});
            assertThat(narrow.run()).isEqualTo(HostCpu.Exit.BRANCHED);
        }
    }

    @Test
    void runs16BitInstructionsToo() {
        try (HostCpu small = open16()) {
            small.memory().set(JAVA_LONG_UNALIGNED, 0x132, 0xbeef);
            small.before().general(3, 0xdead_0100);
            small.before().general(6, 0x30);
            small.load(new byte[] {(byte) 0x8b, 0x40, 0x02}); // mov ax, [bx+si+2]
            assertThat(small.run()).isEqualTo(HostCpu.Exit.FELL_THROUGH);
            assertThat(small.after().general(0)).isEqualTo(0xbeef);
            small.before().general(0, 0x1234_5678);
            small.load(new byte[] {0x50}); // push ax
            small.run();
            assertThat(small.after().general(4)).isEqualTo(small.stackPointer() - 2);
            assertThat(small.memory().get(JAVA_LONG_UNALIGNED, small.stackPointer() - 2) & 0xffff).isEqualTo(0x5678);
            small.load(new byte[] {(byte) 0xa1, (byte) 0xff, (byte) 0xff}); // mov ax, [ffffh]: beyond the limit
            assertThat(small.run()).isEqualTo(HostCpu.Exit.FAULTED);
            assertThat(small.fault().vector()).isEqualTo(13);
            assertThat(small.fault().rip()).isEqualTo(small.instructionPointer());
        }
        assertThat(run("90")).isEqualTo(HostCpu.Exit.FELL_THROUGH);
    }

    private static HostCpu open16() {
        try {
            return new HostCpu(HostCpu.Mode.PROTECTED_16);
        } catch (HostException e) {
            return Assumptions.abort(e.getMessage());
        }
    }

    @Test
    void x87ControlReachesTheInstructionAndNotTheJvm() {
        cpu.memory().set(JAVA_DOUBLE_UNALIGNED, 0, 1.0 / 3);
        cpu.before().general(6, cpu.memory().address());
        cpu.before().controlWord(0xf7f); // round toward zero
        run("dd 06"); // fld qword [rsi]
        assertThat(cpu.after().significand(0)).isEqualTo(0xaaaa_aaaa_aaaa_a800L);
        assertThat(cpu.after().signExponent(0)).isEqualTo(0x3ffd);
        assertThat(cpu.after().statusWord() >> 11 & 7).isEqualTo(7);
        assertThat(cpu.after().fx().get(java.lang.foreign.ValueLayout.JAVA_BYTE, HostRegisters.FTW)).isEqualTo((byte) 0x80);
    }

    @Test
    void refusesWhatIsNoInstruction() {
        assertThatThrownBy(() -> cpu.load(new byte[16])).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> cpu.load(new byte[0])).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void twoProcessorsDoNotShareAnything() {
        try (HostCpu other = new HostCpu()) {
            assertThat(other.memory().address()).isNotEqualTo(cpu.memory().address());
            other.load(new byte[] {(byte) 0x90});
            cpu.before().general(0, 7);
            run("48 ff c0"); // inc rax
            other.run();
            assertThat(cpu.after().general(0)).isEqualTo(8);
            assertThat(other.after().general(0)).isZero();
        }
    }

    @Test
    void loadsAndSavesUpperHalves() {
        Assumptions.assumeTrue(HostFeatures.hasAvx(), "the host has no AVX");
        try (HostCpu cpu = new HostCpu()) {
            cpu.before().xmm(1, 0, 3);
            cpu.before().upper(1, 0, 0x100);
            cpu.before().upper(1, 1, 0x200);
            cpu.before().upper(2, 1, 0x55);
            cpu.before().upper(15, 0, 7);
            cpu.load(new byte[] {(byte) 0xc5, (byte) 0xf5, (byte) 0xd4, (byte) 0xc2}); // vpaddq ymm0, ymm1, ymm2
            assertThat(cpu.run()).isEqualTo(HostCpu.Exit.FELL_THROUGH);
            assertThat(cpu.after().xmm(0, 0)).isEqualTo(3);
            assertThat(cpu.after().upper(0, 0)).isEqualTo(0x100);
            assertThat(cpu.after().upper(0, 1)).isEqualTo(0x255);
            assertThat(cpu.after().upper(15, 0)).isEqualTo(7);
        }
    }
}
