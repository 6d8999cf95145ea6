package org.jkvm.x86.exec;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
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

/** INVPCID in 32-bit code with paging: linear 5000h is first physical 6000h, then 7000h. */
class InvpcidTest {
    private static final int[][] FEATURES = {{1, 0, 0x600, 0, -1, -1}, {7, 0, 0, -1, 0, 0}};
    private static final byte[] INVPCID = HexFormat.of().parseHex("660f388203"); // invpcid eax, [ebx]
    private static final int RAX = 0;
    private static final int RBX = 3;
    private static final int DIRECTORY = 0x1000;
    private static final int TABLE = 0x2000;
    private static final int DESCRIPTOR = 0x3000;
    private static final int LINEAR = 0x5000;
    private static final int PRESENT_WRITABLE = 3;

    private final MemorySegment ram = Arena.ofAuto().allocate(0x1_0000, 4096);
    private final MemorySegment struct = Arena.ofAuto().allocate(CpuState.SIZE + Mmu.TLB_SIZE, 64);
    private final CpuidTable cpuid = new CpuidTable(FEATURES, 0);
    private final X86Cpu cpu = new X86Cpu(struct.address(), new RamBus(ram), cpuid);

    @BeforeEach
    void startWithPaging() {
        cpu.reset();
        ram.set(JAVA_INT, DIRECTORY, TABLE | PRESENT_WRITABLE);
        for (int page = 0; page < 16; page++) {
            ram.set(JAVA_INT, TABLE + 4 * page, page << 12 | PRESENT_WRITABLE);
        }
        map(0x6000);
        ram.set(JAVA_LONG, 0x6000, 6);
        ram.set(JAVA_LONG, 0x7000, 7);
        cpu.storeControl(3, DIRECTORY);
        cpu.storeControl(0, Control.CR0_PE | Control.CR0_PG | Control.CR0_ET);
        cpu.segments.set(Segment.CS, 8, 0, -1, 0xc09b);
        cpu.segments.set(Segment.DS, 16, 0, -1, 0xc093);
        cpu.mmu.flushAll();
        cpu.setGeneral(RBX, DESCRIPTOR);
        ram.set(JAVA_LONG, DESCRIPTOR, 0);
        ram.set(JAVA_LONG, DESCRIPTOR + 8, LINEAR);
    }

    private void map(int physical) {
        ram.set(JAVA_INT, TABLE + 4 * (LINEAR >> 12), physical | PRESENT_WRITABLE);
    }

    private void invpcid(int type) {
        Insn insn = new Insn();
        assertThat(new Decoder(OpcodeTable.x86(), cpuid.features()).decode(INVPCID, 0, INVPCID.length, 32, insn))
                .isEqualTo(Decoder.Status.OK);
        cpu.setGeneral(RAX, type);
        insn.handler.execute(cpu, insn);
    }

    private int faultOf(int type) {
        return catchThrowableOfType(GuestFault.class, () -> invpcid(type)).vector();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void everyTypeDropsThePage(int type) {
        assertThat(cpu.mmu.load(LINEAR, 8)).isEqualTo(6);
        map(0x7000);
        assertThat(cpu.mmu.load(LINEAR, 8)).as("still the old translation").isEqualTo(6);
        invpcid(type);
        assertThat(cpu.mmu.load(LINEAR, 8)).isEqualTo(7);
    }

    @ParameterizedTest
    @CsvSource({"4, 0, 0", "-1, 0, 0", "2, 0x1000, 0", "0, 1, 0", "1, 1, 0", "0, 0, 0x800000000000"})
    void whatTheDescriptorMustNotSayIsAFault(int type, String context, String linear) {
        ram.set(JAVA_LONG, DESCRIPTOR, Long.decode(context));
        ram.set(JAVA_LONG, DESCRIPTOR + 8, Long.decode(linear));
        assertThat(faultOf(type)).isEqualTo(Vector.GP);
    }

    @Test
    void contextsHaveNumbersWhereTheyAreOn() {
        ram.set(JAVA_LONG, DESCRIPTOR, 5);
        cpu.storeControl(4, Control.CR4_PCIDE);
        invpcid(1);
        cpu.segments.setCpl(3);
        assertThat(faultOf(1)).isEqualTo(Vector.GP);
    }
}
