package org.jkvm.x86.exec.sse;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import org.jkvm.linux.RawMemory;
import org.jkvm.x86.GuestFault;
import org.jkvm.x86.RamBus;
import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.cpuid.CpuidTable;
import org.jkvm.x86.isa.Decoder;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.isa.OpcodeTable;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Segment;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What MMX and SSE instructions raise, and that nothing has changed then: what a user process of the host cannot try. */
class SseFaultTest {
    private static final int[][] FEATURES = {{1, 0, 0x600, 0, -1, -1}};
    private static final int RBX = 3;
    private static final int RDI = 7;
    private static final int AT = 0x2000;
    private static final int MXCSR_MASKED = 0x1f80;
    private static final int IE = 1;
    private static final int ZE = 4;
    private static final int PE = 0x20;
    private static final long ONE = Double.doubleToRawLongBits(1);
    private static final long THREE = Double.doubleToRawLongBits(3);

    private final MemorySegment ram = Arena.ofAuto().allocate(0x1_0000, 4096);
    private final MemorySegment struct = Arena.ofAuto().allocate(CpuState.SIZE + Mmu.TLB_SIZE, 64);
    private final CpuidTable cpuid = new CpuidTable(FEATURES, 0);
    private final X86Cpu cpu = new X86Cpu(struct.address(), new RamBus(ram), cpuid);
    private final Decoder decoder = new Decoder(OpcodeTable.x86(), cpuid.features());

    @BeforeEach
    void startInRealMode() {
        cpu.reset();
        cpu.storeControl(0, Control.CR0_ET | Control.CR0_NE);
        cpu.storeControl(4, Control.CR4_OSFXSR | Control.CR4_OSXMMEXCPT);
        cpu.segments.loadReal(Segment.DS, 0);
        cpu.setGeneral(RBX, AT);
    }

    private void run(String hex) {
        byte[] code = HexFormat.of().parseHex(hex.replace(" ", ""));
        Insn insn = new Insn();
        assertThat(decoder.decode(code, 0, code.length, 16, insn)).isEqualTo(Decoder.Status.OK);
        insn.handler.execute(cpu, insn);
    }

    private int faultOf(String hex) {
        return catchThrowableOfType(GuestFault.class, () -> run(hex)).vector();
    }

    private void setXmm(int number, long low, long high) {
        RawMemory.putLong(cpu.st + CpuState.vector(number), low);
        RawMemory.putLong(cpu.st + CpuState.vector(number) + 8, high);
    }

    private long low(int number) {
        return RawMemory.getLong(cpu.st + CpuState.vector(number));
    }

    private long high(int number) {
        return RawMemory.getLong(cpu.st + CpuState.vector(number) + 8);
    }

    private int mxcsr() {
        return RawMemory.getInt(cpu.st + CpuState.MXCSR);
    }

    private void setMxcsr(int value) {
        RawMemory.putInt(cpu.st + CpuState.MXCSR, value);
    }

    // ---- permission ----

    @ParameterizedTest
    @ValueSource(strings = {"0F 58 C1", "66 0F FE C1", "0F 10 07", "F3 0F 2A C0", "66 0F 38 17 C1", "0F 2D C1", "66 0F D7 C1"})
    void sseNeedsItsControlBits(String code) {
        cpu.storeControl(4, 0);
        assertThat(faultOf(code)).isEqualTo(Vector.UD);
        cpu.storeControl(4, Control.CR4_OSFXSR);
        cpu.storeControl(0, Control.CR0_TS);
        assertThat(faultOf(code)).isEqualTo(Vector.NM);
        cpu.storeControl(0, Control.CR0_TS | Control.CR0_EM);
        assertThat(faultOf(code)).isEqualTo(Vector.UD);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0F FE C1", "0F 6F 07", "0F 77", "0F D7 C1", "0F 38 00 C1", "0F 71 D0 01", "0F 7E C0"})
    void mmxHasTheX87UnitsConditions(String code) {
        cpu.storeControl(4, 0);
        cpu.storeControl(0, Control.CR0_TS);
        assertThat(faultOf(code)).isEqualTo(Vector.NM);
        cpu.storeControl(0, Control.CR0_TS | Control.CR0_EM);
        assertThat(faultOf(code)).isEqualTo(Vector.UD);
        cpu.storeControl(0, Control.CR0_NE);
        cpu.x87.state().setControl(0x300);
        cpu.x87.state().setStatus(IE);
        assertThat(faultOf(code)).isEqualTo(Vector.MF);
    }

    // ---- operands ----

    @ParameterizedTest
    @ValueSource(strings = {"0F 28 07", "0F 29 07", "66 0F FE 07", "66 0F E7 07", "0F 58 07", "66 0F 38 2A 07",
        "66 0F 3A 0E 07 55", "66 0F 38 DC 07"})
    void sixteenBytesMustBeAligned(String code) {
        cpu.setGeneral(RBX, AT + 8);
        assertThat(faultOf(code)).isEqualTo(Vector.GP);
        cpu.setGeneral(RBX, AT + 16);
        run(code);
    }

    @ParameterizedTest
    @CsvSource({"0F 10 07, 0F 11 07", "66 0F 10 07, 66 0F 11 07", "F3 0F 6F 07, F3 0F 7F 07", "F2 0F F0 07, 0F 11 07"})
    void unalignedMovesCrossPages(String load, String store) {
        long at = AT + 0xffb;
        ram.set(JAVA_LONG_UNALIGNED, at, 0x0123_4567_89ab_cdefL);
        ram.set(JAVA_LONG_UNALIGNED, at + 8, 0xfedc_ba98_7654_3210L);
        cpu.setGeneral(RBX, at);
        run(load);
        assertThat(low(0)).isEqualTo(0x0123_4567_89ab_cdefL);
        assertThat(high(0)).isEqualTo(0xfedc_ba98_7654_3210L);
        cpu.setGeneral(RBX, at - 0x1000);
        run(store);
        assertThat(ram.asSlice(at - 0x1000, 16).mismatch(ram.asSlice(at, 16))).isEqualTo(-1);
    }

    @Test
    void aFaultingOperandLeavesTheX87RegistersAlone() {
        cpu.x87.state().initialize();
        cpu.setGeneral(RBX, 0xfffc);
        cpu.x87.state().setStatus(5 << 11);
        assertThat(faultOf("0F FC 07")).isEqualTo(Vector.GP); // paddb mm0, [bx]
        assertThat(cpu.x87.state().top()).isEqualTo(5);
        assertThat(cpu.x87.state().valid()).isZero();
    }

    @Test
    void maskedStoresWithNothingToStoreFaultNowhere() {
        cpu.setGeneral(RDI, 0xfffc);
        run("66 0F F7 C1"); // maskmovdqu xmm0, xmm1
        setXmm(1, 0x80, 0);
        assertThat(faultOf("66 0F F7 C1")).isEqualTo(Vector.GP);
    }

    // ---- MMX and x87 ----

    @Test
    void mmxTakesTheRegistersAndEmmsGivesThemBack() {
        cpu.x87.state().initialize();
        cpu.x87.state().setStatus(3 << 11);
        ram.set(JAVA_LONG_UNALIGNED, AT, 42);
        run("0F 6F 17"); // movq mm2, [bx]
        assertThat(cpu.x87.state().top()).isZero();
        assertThat(cpu.x87.state().valid()).isEqualTo(0xff);
        assertThat(RawMemory.getLong(cpu.st + CpuState.mmx(2))).isEqualTo(42);
        assertThat(RawMemory.getShort(cpu.st + CpuState.mmx(2) + 8)).isEqualTo(0xffff);
        run("0F 77"); // emms
        assertThat(cpu.x87.state().valid()).isZero();
    }

    // ---- SIMD exceptions ----

    @Test
    void anUnmaskedExceptionChangesTheFlagsAlone() {
        setXmm(0, ONE, ONE);
        setXmm(1, 0, THREE);
        setMxcsr(MXCSR_MASKED & ~(ZE << 7));
        assertThat(faultOf("F2 0F 5E C1")).isEqualTo(Vector.XM); // divsd xmm0, xmm1
        assertThat(low(0)).isEqualTo(ONE);
        assertThat(mxcsr()).isEqualTo(MXCSR_MASKED & ~(ZE << 7) | ZE);
        cpu.storeControl(4, Control.CR4_OSFXSR);
        assertThat(faultOf("F2 0F 5E C1")).isEqualTo(Vector.UD);
    }

    @Test
    void whatIsFoundBeforeComputingHidesWhatIsFoundAfter() {
        setXmm(0, ONE, ONE);
        setXmm(1, THREE, 0);
        setMxcsr(MXCSR_MASKED & ~(ZE << 7));
        assertThat(faultOf("66 0F 5E C1")).isEqualTo(Vector.XM); // divpd xmm0, xmm1: 1/3 is inexact, 1/0 is #Z
        assertThat(mxcsr() & 0x3f).isEqualTo(ZE);
    }

    @Test
    void anOldFlagIsNoException() {
        setXmm(0, ONE, 0);
        setXmm(1, ONE, 0);
        setMxcsr(PE | ZE);
        run("F2 0F 58 C1"); // addsd xmm0, xmm1
        assertThat(low(0)).isEqualTo(Double.doubleToRawLongBits(2));
        assertThat(mxcsr()).isEqualTo(PE | ZE);
        setXmm(1, THREE, 0);
        setXmm(0, ONE, 0);
        assertThat(faultOf("F2 0F 5E C1")).isEqualTo(Vector.XM);
    }

    @Test
    void loadedRoundingTakesEffectAtOnce() {
        setXmm(1, THREE, 0);
        for (int mode = 0; mode < 4; mode++) {
            setXmm(0, ONE, 0);
            setMxcsr(MXCSR_MASKED | mode << 13);
            run("F2 0F 5E C1"); // divsd xmm0, xmm1
            assertThat(low(0)).as("mode %d", mode).isEqualTo(0x3fd5_5555_5555_5555L + (mode == 2 ? 1 : 0));
            assertThat(mxcsr()).isEqualTo(MXCSR_MASKED | mode << 13 | PE);
        }
    }

    @Test
    void ldmxcsrRefusesReservedBits() {
        ram.set(JAVA_LONG_UNALIGNED, AT, 0x1_0000 | MXCSR_MASKED);
        assertThat(faultOf("0F AE 17")).isEqualTo(Vector.GP);
        assertThat(mxcsr()).isEqualTo(MXCSR_MASKED);
    }

    // ---- lengths ----

    @ParameterizedTest
    @CsvSource({"0x80000000, 16", "-3, 3", "17, 16", "0, 0", "5, 5"})
    void stringLengthsLoseTheirSignAndAreCutToTheOperand(String length, int expected) {
        cpu.setGeneral(0, Long.decode(length));
        cpu.setGeneral(2, 16);
        run("66 0F 3A 61 C1 18"); // pcmpestri xmm0, xmm1: the first element that differs
        assertThat(cpu.general(1)).isEqualTo(expected);
    }
}
