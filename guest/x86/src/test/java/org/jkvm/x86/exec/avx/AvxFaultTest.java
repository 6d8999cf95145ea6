package org.jkvm.x86.exec.avx;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
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
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What VEX-encoded instructions raise (SDM vol. 2A, section 2.4), in 32-bit code: what a process of the host cannot try. */
class AvxFaultTest {
    private static final int[][] FEATURES = {{1, 0, 0x600, 0, -1, -1}, {7, 0, 0, -1, -1, 0}, {0xd, 0, 7, 0, 832, 0},
        {0xd, 1, 0xf, 0, 0, 0}};
    private static final int RAX = 0;
    private static final int RBX = 3;
    private static final int AT = 0x2000;
    private static final int CODE_32 = 0xc09b;
    private static final int DATA_32 = 0xc093;
    private static final int X87_STATE = 1;
    private static final int AVX_STATE = 4;
    private static final int DIVIDE_BY_ZERO = 4;
    private static final int XSTATE_BV = 512;

    private final MemorySegment ram = Arena.ofAuto().allocate(0x1_0000, 4096);
    private final MemorySegment struct = Arena.ofAuto().allocate(CpuState.SIZE + Mmu.TLB_SIZE, 64);
    private final CpuidTable cpuid = new CpuidTable(FEATURES, 0);
    private final X86Cpu cpu = new X86Cpu(struct.address(), new RamBus(ram), cpuid);
    private final Decoder decoder = new Decoder(OpcodeTable.x86(), cpuid.features());

    @BeforeEach
    void startInProtectedMode() {
        cpu.reset();
        cpu.storeControl(0, Control.CR0_PE | Control.CR0_ET | Control.CR0_NE);
        cpu.storeControl(4, Control.CR4_OSFXSR | Control.CR4_OSXMMEXCPT | Control.CR4_OSXSAVE);
        cpu.msrs.setXcr0(7);
        cpu.segments.set(Segment.CS, 8, 0, -1, CODE_32);
        cpu.segments.set(Segment.DS, 16, 0, -1, DATA_32);
        cpu.segments.set(Segment.SS, 16, 0, -1, DATA_32);
        cpu.setGeneral(RBX, AT);
    }

    private void run(String hex) {
        byte[] code = HexFormat.of().parseHex(hex.replace(" ", ""));
        Insn insn = new Insn();
        assertThat(decoder.decode(code, 0, code.length, 32, insn)).isEqualTo(Decoder.Status.OK);
        insn.handler.execute(cpu, insn);
    }

    private int faultOf(String hex) {
        return catchThrowableOfType(GuestFault.class, () -> run(hex)).vector();
    }

    private long word(int register, int n) {
        return RawMemory.getLong(cpu.st + CpuState.vector(register) + 8 * n);
    }

    private void setYmm(int register, long... words) {
        for (int n = 0; n < 4; n++) {
            RawMemory.putLong(cpu.st + CpuState.vector(register) + 8 * n, words[n]);
        }
    }

    // ---- permission ----

    @ParameterizedTest
    @ValueSource(strings = {"C5 F0 58 C2", "C5 F5 FE C2", "C5 FC 28 03", "C5 F8 77", "C4 E2 7D 18 03", "C5 F8 AE 13",
        "C4 E2 6D 98 CB", "C4 E2 7D 13 CA", "C4 E2 65 90 0C 13", "C5 F9 6E C0", "C5 F8 2F C1"})
    void avxNeedsItsControlBits(String code) {
        cpu.msrs.setXcr0(3);
        assertThat(faultOf(code)).isEqualTo(Vector.UD);
        cpu.msrs.setXcr0(7);
        cpu.storeControl(4, Control.CR4_OSFXSR);
        assertThat(faultOf(code)).isEqualTo(Vector.UD);
        cpu.storeControl(4, Control.CR4_OSXSAVE);
        cpu.storeControl(0, Control.CR0_PE | Control.CR0_TS);
        assertThat(faultOf(code)).isEqualTo(Vector.NM);
        cpu.storeControl(0, Control.CR0_PE | Control.CR0_EM);
        run(code); // SSE's conditions, CR0.EM and CR4.OSFXSR, do not count.
    }

    @ParameterizedTest
    @ValueSource(strings = {"C5 F0 58 C2", "C4 E2 70 F2 C3", "C4 E2 7B F6 C3"})
    void thereIsNoVexInRealAndVirtual8086Mode(String code) {
        cpu.storeControl(0, Control.CR0_ET);
        assertThat(faultOf(code)).isEqualTo(Vector.UD);
        cpu.storeControl(0, Control.CR0_PE);
        cpu.setFlag(Rflags.VM, true);
        assertThat(faultOf(code)).isEqualTo(Vector.UD);
        cpu.setFlag(Rflags.VM, false);
        run(code);
    }

    // ---- encodings ----

    @ParameterizedTest
    @ValueSource(strings = {"66 C5 F0 58 C2", "F3 C5 F0 58 C2", "F2 C4 E1 70 58 C2", "F0 C5 F0 58 03", "C4 E0 70 58 C2",
        "C4 E4 70 58 C2", "C5 E8 28 C2", "C5 FC 16 C2", "C4 E2 71 90 0B", "C4 E3 71 06 C2 01", "C4 E2 74 F2 C3",
        "C4 E2 69 92 00", "67 C4 E2 61 90 0C 93"})
    void prefixesMapsLengthsAndUnusedRegistersCount(String hex) {
        byte[] code = HexFormat.of().parseHex((hex + "0000000000000000").replace(" ", ""));
        assertThat(decoder.decode(code, 0, code.length, 32, new Insn())).isEqualTo(Decoder.Status.UNDEFINED);
    }

    @Test
    void withoutARegisterOperandC4AndC5AreLesAndLds() {
        Insn insn = new Insn();
        byte[] les = HexFormat.of().parseHex("c403");
        assertThat(decoder.decode(les, 0, 2, 32, insn)).isEqualTo(Decoder.Status.OK);
        assertThat(insn.row.mnemonic()).isEqualTo("LES");
        assertThat(decoder.decode(les, 0, 1, 32, new Insn())).isEqualTo(Decoder.Status.TRUNCATED);
        assertThat(decoder.decode(HexFormat.of().parseHex("c503000000"), 0, 5, 64, new Insn()))
                .isEqualTo(Decoder.Status.UNDEFINED);
    }

    // ---- operands ----

    @ParameterizedTest
    @ValueSource(strings = {"C5 FC 28 03", "C5 FC 29 03", "C5 FD 6F 03", "C5 FD E7 03", "C4 E2 7D 2A 03"})
    void alignedMovesWantTheirSize(String code) {
        cpu.setGeneral(RBX, AT + 16);
        assertThat(faultOf(code)).isEqualTo(Vector.GP);
        cpu.setGeneral(RBX, AT + 32);
        run(code);
    }

    @ParameterizedTest
    @ValueSource(strings = {"C5 FC 10 03", "C5 F4 58 03", "C5 F5 FE 03", "C5 F5 D4 03", "C5 F1 FE 03", "C4 E2 71 DC 03"})
    void othersTakeMemoryAnywhere(String code) {
        cpu.setGeneral(RBX, AT + 4096 - 5);
        run(code);
    }

    @Test
    void whatAMaskLeavesOutIsNotAccessed() {
        cpu.segments.set(Segment.DS, 16, 0, AT + 15, 0x4093);
        ram.set(JAVA_LONG_UNALIGNED, AT, 0x2222_2222_1111_1111L);
        setYmm(1, -1, Long.MIN_VALUE, 0, 0x7fff_ffff);
        setYmm(2, 1, 2, 3, 4);
        run("C4 E2 75 2C 13"); // vmaskmovps ymm2, ymm1, [ebx]
        assertThat(word(2, 0)).isEqualTo(0x2222_2222_1111_1111L);
        assertThat(word(2, 3)).isZero();
        setYmm(1, -1, Long.MIN_VALUE, 0, Long.MIN_VALUE);
        assertThat(faultOf("C4 E2 75 2C 13")).isEqualTo(Vector.GP);
        assertThat(faultOf("C4 E2 75 2E 13")).isEqualTo(Vector.GP); // vmaskmovps [ebx], ymm1, ymm2
        assertThat(ram.get(JAVA_LONG_UNALIGNED, AT)).as("all or nothing is written")
                .isEqualTo(0x2222_2222_1111_1111L);
    }

    @Test
    void aGatherThatFaultsCanBeContinued() {
        cpu.segments.set(Segment.DS, 16, 0, AT + 15, 0x4093);
        ram.set(JAVA_INT_UNALIGNED, AT, 0x11);
        ram.set(JAVA_INT_UNALIGNED, AT + 4, 0x22);
        setYmm(1, 0, 0, 0, 0);
        setYmm(2, 0x1_0000_0000L, 0x7000_0000_0000_0000L, 0, 0); // indices 0, 1, 0, 70000000h
        setYmm(3, -1, -1, -1, -1);
        assertThat(faultOf("C4 E2 61 90 0C 93")).isEqualTo(Vector.GP); // vpgatherdd xmm1, [ebx + xmm2 * 4], xmm3
        assertThat(word(1, 0)).isEqualTo(0x22_0000_0011L);
        assertThat(word(3, 0)).isZero();
        assertThat(word(3, 1)).isEqualTo(0xffff_ffff_0000_0000L);
        setYmm(2, 0, 0, 0, 0);
        run("C4 E2 61 90 0C 93");
        assertThat(word(1, 1)).isEqualTo(0x11_0000_0011L);
        assertThat(word(1, 2) | word(3, 0) | word(3, 1) | word(3, 2)).isZero();
        assertThat(faultOf("C4 E2 69 90 0C 93")).as("mask and index in one register").isEqualTo(Vector.UD);
    }

    // ---- arithmetic ----

    @Test
    void anUnmaskedExceptionOfEitherLaneLeavesTheDestination() {
        RawMemory.putInt(cpu.st + CpuState.MXCSR, 0x1f80 & ~(DIVIDE_BY_ZERO << 7));
        long one = Double.doubleToRawLongBits(1);
        setYmm(0, 7, 7, 7, 7);
        setYmm(1, one, one, one, one);
        setYmm(2, one, one, one, 0);
        assertThat(faultOf("C5 F5 5E C2")).isEqualTo(Vector.XM); // vdivpd ymm0, ymm1, ymm2
        assertThat(word(0, 0)).isEqualTo(7);
        assertThat(RawMemory.getInt(cpu.st + CpuState.MXCSR) & 0x3f).isEqualTo(DIVIDE_BY_ZERO);
        cpu.storeControl(4, Control.CR4_OSXSAVE);
        assertThat(faultOf("C5 F5 5E C2")).isEqualTo(Vector.UD);
    }

    @Test
    void sseKeepsUpperHalvesAndVexClearsThem() {
        setYmm(0, 1, 2, 3, 4);
        run("0F 57 C0"); // xorps xmm0, xmm0
        assertThat(word(0, 2)).isEqualTo(3);
        run("C5 F8 57 C0"); // vxorps xmm0, xmm0, xmm0
        assertThat(word(0, 2) | word(0, 3)).isZero();
    }

    // ---- XSAVE ----

    @Test
    void initialStateIsNotSavedInTheCompactedFormat() {
        cpu.setGeneral(RAX, 7);
        setYmm(1, 5, 6, 7, 8);
        ram.set(JAVA_LONG_UNALIGNED, AT + 576, 99);
        run("0F C7 23"); // xsavec [ebx]
        assertThat(ram.get(JAVA_LONG_UNALIGNED, AT + XSTATE_BV)).isEqualTo(7);
        assertThat(ram.get(JAVA_LONG_UNALIGNED, AT + XSTATE_BV + 8)).isEqualTo(Long.MIN_VALUE | 7);
        assertThat(ram.get(JAVA_LONG_UNALIGNED, AT + 576 + 16)).isEqualTo(7);
        run("C5 F8 77"); // vzeroupper
        ram.set(JAVA_LONG_UNALIGNED, AT + 576, 99);
        run("0F C7 23");
        assertThat(ram.get(JAVA_LONG_UNALIGNED, AT + XSTATE_BV)).isEqualTo(3);
        assertThat(ram.get(JAVA_LONG_UNALIGNED, AT + 576)).as("left alone").isEqualTo(99);
        setYmm(1, 0, 0, 9, 9);
        run("0F AE 2B"); // xrstor [ebx]
        assertThat(word(1, 0)).isEqualTo(5);
        assertThat(word(1, 2)).as("initialised").isZero();
    }

    @Test
    void supervisorFormsArePrivilegedAndCompacted() {
        cpu.setGeneral(RAX, 7);
        setYmm(4, 1, 2, 3, 4);
        run("0F C7 2B"); // xsaves [ebx]
        setYmm(4, 0, 0, 0, 0);
        run("0F C7 1B"); // xrstors [ebx]
        assertThat(word(4, 3)).isEqualTo(4);
        ram.set(JAVA_LONG_UNALIGNED, AT + XSTATE_BV + 8, 0);
        assertThat(faultOf("0F C7 1B")).isEqualTo(Vector.GP);
        cpu.segments.setCpl(3);
        assertThat(faultOf("0F C7 2B")).isEqualTo(Vector.GP);
    }

    @Test
    void whatIsInUseCanBeAskedFor() {
        cpu.setGeneral(1, 1);
        run("0F 01 D0"); // xgetbv
        assertThat(cpu.general(RAX)).isEqualTo(X87_STATE);
        setYmm(7, 0, 0, 0, 1);
        run("0F 01 D0");
        assertThat(cpu.general(RAX)).isEqualTo(X87_STATE | AVX_STATE);
    }
}
