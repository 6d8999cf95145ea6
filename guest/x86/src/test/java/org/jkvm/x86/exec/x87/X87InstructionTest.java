package org.jkvm.x86.exec.x87;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;
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
import org.jkvm.x86.fp.Float80;
import org.jkvm.x86.isa.Decoder;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.isa.OpcodeTable;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What x87 instructions do beyond the unit: faults, pending errors, saved states. Real mode unless a test says so. */
class X87InstructionTest {
    private static final int[][] FEATURES = {{1, 0, 0x600, 0, 1 << 26 | 1, 1 << 25 | 1 << 24 | 1 << 15 | 1}};
    private static final int BLOCK = 0x1234;
    private static final int AT = 0x2000;

    private final MemorySegment ram = Arena.ofAuto().allocate(0x1_0000, 4096);
    private final MemorySegment struct = Arena.ofAuto().allocate(CpuState.SIZE + Mmu.TLB_SIZE, 64);
    private final RamBus bus = new RamBus(ram);
    private final CpuidTable cpuid = new CpuidTable(FEATURES, 0);
    private final X86Cpu cpu = new X86Cpu(struct.address(), bus, cpuid);
    private final Decoder decoder = new Decoder(OpcodeTable.x86(), cpuid.features());

    @BeforeEach
    void startInRealMode() {
        cpu.reset();
        cpu.storeControl(0, Control.CR0_ET | Control.CR0_NE);
        cpu.segments.loadReal(Segment.CS, 0x100);
        cpu.segments.loadReal(Segment.DS, 0);
        RawMemory.putLong(cpu.st + CpuState.BLOCK_RIP, BLOCK);
        run("DB E3"); // fninit
    }

    private void run(String hex) {
        run(hex, 16);
    }

    private void run(String hex, int bits) {
        byte[] code = HexFormat.of().parseHex(hex.replace(" ", ""));
        Insn insn = new Insn();
        assertThat(decoder.decode(code, 0, code.length, bits, insn)).isEqualTo(Decoder.Status.OK);
        assertThat(insn.length()).isEqualTo(code.length);
        insn.handler.execute(cpu, insn);
    }

    private int faultOf(String hex) {
        return catchThrowableOfType(GuestFault.class, () -> run(hex)).vector();
    }

    private double top() {
        run("DD 16 00 20"); // fst qword [0x2000]
        return ram.get(JAVA_DOUBLE_UNALIGNED, AT);
    }

    @Test
    void subtractionAndDivisionKnowTheirDirection() {
        load(10, 4);
        run("D8 E1"); // fsub st, st1: 4 - 10
        assertThat(top()).isEqualTo(-6);
        load(10, 4);
        run("D8 E9"); // fsubr st, st1: 10 - 4
        assertThat(top()).isEqualTo(6);
        load(10, 4);
        run("DE E9"); // fsubp st1, st: 10 - 4
        assertThat(top()).isEqualTo(6);
        load(10, 4);
        run("DE F1"); // fdivrp st1, st: 4 / 10
        assertThat(top()).isEqualTo(0.4);
    }

    private void load(double... values) {
        run("DB E3");
        for (double value : values) {
            ram.set(JAVA_DOUBLE_UNALIGNED, AT, value);
            run("DD 06 00 20"); // fld qword [0x2000]
        }
    }

    @Test
    void taskSwitchedAndEmulateRaiseDeviceNotAvailable() {
        cpu.storeControl(0, Control.CR0_NE | Control.CR0_TS);
        assertThat(faultOf("D9 E8")).isEqualTo(Vector.NM);
        assertThat(faultOf("DF E0")).isEqualTo(Vector.NM);
        run("9B"); // fwait looks at TS only with MP
        cpu.storeControl(0, Control.CR0_NE | Control.CR0_TS | Control.CR0_MP);
        assertThat(faultOf("9B")).isEqualTo(Vector.NM);
        cpu.storeControl(0, Control.CR0_NE | Control.CR0_EM);
        assertThat(faultOf("D9 E8")).isEqualTo(Vector.NM);
        assertThat(faultOf("0F AE 06 00 20")).isEqualTo(Vector.NM); // fxsave
    }

    @Test
    void anUnmaskedErrorWaitsForTheNextWaitingInstruction() {
        divideByZeroUnmasked();
        run("DF E0"); // fnstsw ax does not wait
        assertThat(cpu.general(0) & 0xffff).isEqualTo(0x8084 | 0x3000);
        assertThat(faultOf("D9 E8")).isEqualTo(Vector.MF);
        assertThat(faultOf("9B")).isEqualTo(Vector.MF);
        run("DB E2"); // fnclex
        run("9B");
        assertThat(bus.ferr()).isFalse();
    }

    @Test
    void withoutNeTheErrorGoesToFerr() {
        cpu.storeControl(0, Control.CR0_ET);
        divideByZeroUnmasked();
        assertThat(bus.ferr()).isFalse();
        run("9B");
        assertThat(bus.ferr()).isTrue();
        run("DB E2");
        assertThat(bus.ferr()).isFalse();
    }

    /** 1 / 0 with #Z unmasked: operands stay. */
    private void divideByZeroUnmasked() {
        run("DB E3");
        ram.set(JAVA_SHORT_UNALIGNED, AT, (short) 0x37b);
        run("D9 2E 00 20"); // fldcw [0x2000]
        run("D9 EE"); // fldz
        run("D9 E8"); // fld1
        run("DC F9"); // fdiv st1, st: 0 / 1
        run("D8 F1"); // fdiv st, st1: 1 / 0
        Float80 value = new Float80();
        cpu.x87.state().load(0, value);
        assertThat(value).isEqualTo(new Float80(0x3fff, Long.MIN_VALUE));
    }

    @Test
    void maskingAPendingErrorTakesItBack() {
        divideByZeroUnmasked();
        cpu.x87.state().setControl(0x37f);
        assertThat(cpu.x87.state().isPending()).isFalse();
        assertThat(cpu.x87.state().status() & 0x84).isEqualTo(4);
    }

    @Test
    void anUnmaskedStackOverflowChangesNothing() {
        run("DB E3");
        cpu.x87.state().setControl(0x37e);
        cpu.x87.state().setValid(0xff);
        run("D9 E8");
        assertThat(cpu.x87.state().status()).isEqualTo(0x82c1); // B, C1, ES, SF, IE; TOP still 0
    }

    @Test
    void anUnmaskedOverflowStoresAWrappedResultButNothingInMemory() {
        cpu.x87.state().setControl(0x377);
        cpu.x87.loadFloat80(0x7ffe, Long.MIN_VALUE);
        run("D8 C8"); // fmul st, st
        Float80 value = new Float80();
        cpu.x87.state().load(0, value);
        assertThat(value).isEqualTo(new Float80(0x7ffe + 0x7ffe - 0x3fff - 24576, Long.MIN_VALUE));
        assertThat(cpu.x87.state().status() & 0xff).isEqualTo(0x88);
        run("DB E2");
        ram.set(JAVA_LONG_UNALIGNED, AT, 77);
        run("DD 1E 00 20"); // fstp qword [0x2000]
        assertThat(ram.get(JAVA_LONG_UNALIGNED, AT)).isEqualTo(77);
        assertThat(cpu.x87.state().isEmpty(0)).isFalse();
        assertThat(cpu.x87.state().status() & 0xff).isEqualTo(0x88);
    }

    @Test
    void aStoreThatFaultsLeavesTheStack() {
        load(1e300);
        cpu.segments.set(Segment.DS, 0, 0, 0x1fff, 0xf3);
        assertThat(faultOf("D9 1E 00 20")).isEqualTo(Vector.GP); // fstp dword [0x2000]
        assertThat(cpu.x87.state().isEmpty(0)).isFalse();
        assertThat(cpu.x87.state().status() & 0x3f).isZero();
    }

    @Test
    void comparisonsSetTheProcessorsFlags() {
        load(2, 1);
        run("DB F1"); // fcomi st, st1
        assertThat(cpu.arithmeticFlags()).isEqualTo(Rflags.CF);
        run("DB C1"); // fcmovnb st, st1
        assertThat(top()).isEqualTo(1);
        run("DA C1"); // fcmovb st, st1
        assertThat(top()).isEqualTo(2);
        load(Double.NaN, 1);
        run("DF E9"); // fucomip st, st1
        assertThat(cpu.arithmeticFlags()).isEqualTo(Rflags.ZF | Rflags.PF | Rflags.CF);
        assertThat(cpu.x87.state().status() & 1).isZero();
    }

    @Test
    void realModeEnvironmentsHoldLinearAddresses() {
        load(0);
        run("D9 36 00 30"); // fnstenv [0x3000], 16 bits
        assertThat(words16(7)).containsExactly(0x37f, 0x3800, 0x7fff, 0x2234, 0x0506, 0x2000, 0);
        run("66 D9 36 00 30"); // 32 bits
        assertThat(words32(7)).containsExactly(0xffff037f, 0xffff3800, 0xffff7fff, 0xffff2234, 0x506, 0xffff2000, 0);
    }

    @Test
    void protectedModeEnvironmentsHoldSelectors() {
        load(0);
        cpu.storeControl(0, Control.CR0_ET | Control.CR0_NE | Control.CR0_PE);
        run("66 D9 36 00 30");
        assertThat(words32(7)).containsExactly(0xffff037f, 0xffff3800, 0xffff7fff, BLOCK, 0x5060100, 0x2000, 0xffff0000);
        run("D9 36 00 30");
        assertThat(words16(7)).containsExactly(0x37f, 0x3800, 0x7fff, BLOCK, 0x100, 0x2000, 0);
    }

    private int[] words16(int count) {
        int[] words = new int[count];
        for (int n = 0; n < count; n++) {
            words[n] = ram.get(JAVA_SHORT_UNALIGNED, 0x3000 + 2 * n) & 0xffff;
        }
        return words;
    }

    private int[] words32(int count) {
        int[] words = new int[count];
        for (int n = 0; n < count; n++) {
            words[n] = ram.get(JAVA_INT_UNALIGNED, 0x3000 + 4 * n);
        }
        return words;
    }

    @Test
    void savingAndRestoringBringsEverythingBack() {
        load(3, 0, -1);
        String before = picture();
        run("DD 36 00 30"); // fnsave [0x3000]
        assertThat(cpu.x87.state().control()).isEqualTo(0x37f);
        assertThat(cpu.x87.state().valid()).isZero();
        load(5, 6);
        run("DD 26 00 30"); // frstor [0x3000]
        assertThat(picture()).isEqualTo(before);
    }

    @Test
    void fxsaveOrdersRegistersByTheStack() {
        load(1, -2);
        RawMemory.putLong(cpu.st + CpuState.vector(3), 0x1122334455667788L);
        String before = picture();
        run("0F AE 06 00 30"); // fxsave [0x3000]
        assertThat(ram.get(JAVA_SHORT_UNALIGNED, 0x3002)).isEqualTo((short) 0x3000);
        assertThat(ram.get(JAVA_BYTE, 0x3004)).isEqualTo((byte) 0xc0);
        assertThat(ram.get(JAVA_SHORT_UNALIGNED, 0x3028)).isEqualTo((short) 0xc000);
        assertThat(ram.get(JAVA_INT_UNALIGNED, 0x3018)).isEqualTo(0x1f80);
        assertThat(ram.get(JAVA_LONG_UNALIGNED, 0x30a0 + 48)).isEqualTo(0x1122334455667788L);
        load(7, 8, 9);
        RawMemory.putLong(cpu.st + CpuState.vector(3), 0);
        run("0F AE 0E 00 30"); // fxrstor [0x3000]
        assertThat(picture()).isEqualTo(before);
        assertThat(RawMemory.getLong(cpu.st + CpuState.vector(3))).isEqualTo(0x1122334455667788L);
    }

    @Test
    void fxrstorRefusesReservedMxcsrBitsAndOddAddresses() {
        ram.set(JAVA_INT_UNALIGNED, 0x3018, 0x10000);
        assertThat(faultOf("0F AE 0E 00 30")).isEqualTo(Vector.GP);
        assertThat(faultOf("0F AE 0E 08 30")).isEqualTo(Vector.GP);
    }

    @Test
    void xrstorInitializesWhatTheAreaLacks() {
        cpu.storeControl(4, Control.CR4_OSFXSR | Control.CR4_OSXSAVE);
        cpu.msrs.setXcr0(3);
        cpu.setGeneral(0, -1);
        cpu.setGeneral(2, -1);
        load(1, 2);
        RawMemory.putLong(cpu.st + CpuState.vector(0), 5);
        String before = picture();
        run("0F AE 26 00 30"); // xsave [0x3000]
        assertThat(ram.get(JAVA_LONG_UNALIGNED, 0x3200)).isEqualTo(3);
        ram.set(JAVA_LONG_UNALIGNED, 0x3200, 1);
        load(9);
        run("0F AE 2E 00 30"); // xrstor [0x3000]
        assertThat(picture()).isEqualTo(before);
        assertThat(RawMemory.getLong(cpu.st + CpuState.vector(0))).isZero();
        ram.set(JAVA_LONG_UNALIGNED, 0x3200, 4);
        assertThat(faultOf("0F AE 2E 00 30")).isEqualTo(Vector.GP);
    }

    /** The unit's whole state but for the pointers. */
    private String picture() {
        X87State state = cpu.x87.state();
        StringBuilder text = new StringBuilder("%x %x %x".formatted(state.control(), state.status(), state.valid()));
        Float80 value = new Float80();
        for (int n = 0; n < 8; n++) {
            state.loadPhysical(n, value);
            text.append(' ').append(value);
        }
        return text.toString();
    }
}
