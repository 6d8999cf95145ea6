package org.jkvm.payloads;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.concurrent.locks.ReentrantLock;
import org.jkvm.base.state.StateTree;
import org.jkvm.base.time.SystemClock;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.MemorySlot;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86Vcpu;
import org.jkvm.kvm.KvmHypervisor;
import org.jkvm.kvm.KvmSpeed;
import org.jkvm.linux.SharedMemory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** How lines, timer and ends of interrupts reach a processor by way of the interrupt chip, wherever its parts are. */
@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ParameterizedClass
@EnumSource(names = {"INTERPRETER", "KVM", "ASSISTED", "ASSISTED_SPLIT"})
class ChipDeliveryTest {
    private static final int RAM = 1 << 20;
    private static final int CODE = 0x1000;
    private static final int HANDLER = 0x1100;
    private static final int VECTOR = 0x50;
    private static final int READY = 0x90;
    private static final int GSI = 20;
    private static final int SVR = 0xf0;
    /** 8259A: ICW1 to ICW4, vectors from 50h on, then the mask; out 90h, al; sti; jmp $. */
    private static final String PIC = "b011 e620  b050 e621  b004 e621  b001 e621  b0%02x e621  e690  fb  ebfe";
    /** The I/O APIC's entry 20: vector 50h, level-triggered; out 90h, al; sti; jmp $. */
    private static final String LEVEL =
            "26 c6060000 39  26 66c7061000 00000000  26 c6060000 38  26 66c7061000 50800000  e690  fb  ebfe";
    /** out 50h, al; mov dword fs:[b0h], 0, which ends it at the local APIC; iret. */
    private static final String LEVEL_HANDLER = "e650  64 66c706b000 00000000  cf";
    /** Where the IRET is. */
    private static final int ENDED = HANDLER + 12;
    /** out 50h, al; mov al, 20h; out 20h, al; iret. */
    private static final String PIC_HANDLER = "e650  b020 e620  cf";

    private final TestBackend backend;
    private final SystemClock clock = new SystemClock(new ReentrantLock());
    private final SharedMemory ram = SharedMemory.allocate("delivery", RAM);
    private VirtualMachine vm;
    private X86Vcpu vcpu;

    ChipDeliveryTest(TestBackend backend) {
        this.backend = backend;
    }

    @BeforeEach
    void makeMachine() {
        backend.assumePresent();
        vm = machine(backend);
        vcpu = vm.createVcpu(0, backend.models().parse("qemu64,-pni", 1, 1));
    }

    private VirtualMachine machine(TestBackend of) {
        VirtualMachine made = of.hypervisor().createVirtualMachine(new VmConfig(1, clock));
        made.setMemorySlot(new MemorySlot(0, 0, ram.segment(), false, false));
        return made;
    }

    @AfterEach
    void close() {
        if (vm != null) {
            vm.close();
        }
        clock.close();
        ram.close();
    }

    /** Code, and the handler of vectors 50h to 57h; ES begins at the I/O APIC, FS at the local one, which is on. */
    private void code(String code, String handler) {
        put(CODE, code);
        put(HANDLER, handler);
        for (int n = 0; n < 8; n++) {
            ram.segment().set(ValueLayout.JAVA_INT, 4L * (VECTOR + n), HANDLER);
        }
        X86State state = vcpu.readState();
        state.segments[0] = new X86State.Segment(0, 0xfec0_0000L, 0xffff, 0x93);
        state.segments[1] = new X86State.Segment(0, 0, 0xffff, 0x9b);
        state.segments[4] = new X86State.Segment(0, 0xfee0_0000L, 0xffff, 0x93);
        state.rip = CODE;
        state.general[4] = 0x800;
        state.lapic[SVR] = (byte) 0xff;
        state.lapic[SVR + 1] = 1;
        vcpu.writeState(state);
    }

    private void put(int address, String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
        MemorySegment.copy(bytes, 0, ram.segment(), ValueLayout.JAVA_BYTE, address, bytes.length);
    }

    private int port() {
        return ((VmExit.PortWrite) vcpu.run(ExitAnswer.NONE)).port();
    }

    private void assumeEndsAreToldInTime() {
        assumeFalse(backend == TestBackend.KVM && !KvmSpeed.measure(new KvmHypervisor()).inHardware(),
                "this host's KVM is an emulation, which shows interrupts as ended that have just begun");
    }

    private void assertQuiet() {
        clock.timer("quiet", vcpu::kick).arm(clock.nanos() + 30_000_000);
        assertThat(vcpu.run(ExitAnswer.NONE)).isEqualTo(new VmExit.Interrupted());
    }

    @Test
    void anEdgeReachesTheProcessorByThe8259() {
        code(PIC.formatted(0xfd), PIC_HANDLER);
        assertThat(port()).isEqualTo(READY);
        for (int n = 0; n < 3; n++) {
            vm.interruptChip().setLine(1, true);
            assertThat(port()).isEqualTo(VECTOR);
            vm.interruptChip().setLine(1, false);
            assertQuiet();
        }
    }

    @Test
    void aMaskedEdgeDoesNot() {
        code(PIC.formatted(0xff), PIC_HANDLER);
        assertThat(port()).isEqualTo(READY);
        vm.interruptChip().setLine(1, true);
        assertQuiet();
    }

    @Test
    void aRequestWaitsForTheProcessor() {
        code(PIC.formatted(0xfd).replace("fb  ebfe", "9090  e691  fb  ebfe"), PIC_HANDLER);
        assertThat(port()).isEqualTo(READY);
        vm.interruptChip().setLine(1, true);
        assertThat(port()).isEqualTo(0x91);
        assertThat(port()).isEqualTo(VECTOR);
    }

    @Test
    void anotherThreadsEdgeWakesAHaltedProcessor() {
        code(PIC.formatted(0xfd).replace("ebfe", "f4 ebfd"), PIC_HANDLER);
        assertThat(port()).isEqualTo(READY);
        clock.timer("edge", () -> vm.interruptChip().setLine(1, true)).arm(clock.nanos() + 20_000_000);
        assertThat(port()).isEqualTo(VECTOR);
    }

    @Test
    void theTimerInterrupts() {
        code("b034 e643  b000 e640  b010 e640" + PIC.formatted(0xfe), PIC_HANDLER); // counter 0, mode 2, 1000h: 3.4 ms
        assertThat(port()).isEqualTo(READY);
        for (int n = 0; n < 5; n++) {
            assertThat(port()).isEqualTo(VECTOR);
        }
    }

    /** An end of which the chip's other half has not heard yet does not get lost where a machine is saved. */
    @Test
    void anEndMovesAlong() {
        assumeEndsAreToldInTime();
        code(LEVEL, LEVEL_HANDLER);
        assertThat(port()).isEqualTo(READY);
        vm.interruptChip().setLine(GSI, true);
        assertThat(port()).isEqualTo(VECTOR);
        vm.interruptChip().setLine(GSI, false);
        vcpu.kick();
        assertThat(vcpu.run(ExitAnswer.NONE)).isEqualTo(new VmExit.Interrupted());
        vcpu.singleStep(true);
        while (vcpu.readState().rip != ENDED) {
            assertThat(vcpu.run(ExitAnswer.NONE)).isNotInstanceOf(VmExit.PortWrite.class);
        }
        try (VirtualMachine soft = machine(TestBackend.INTERPRETER)) {
            X86Vcpu other = soft.createVcpu(0, backend.models().parse("qemu64,-pni", 1, 1));
            StateTree.save(vm).restore(soft);
            StateTree.save(vcpu).restore(other);
            soft.interruptChip().setLine(GSI, true);
            assertThat(((VmExit.PortWrite) other.run(ExitAnswer.NONE)).port()).isEqualTo(VECTOR);
        }
    }

    @Test
    void aLevelIsSentAgainUntilItEnds() {
        assumeEndsAreToldInTime();
        code(LEVEL, LEVEL_HANDLER);
        assertThat(port()).isEqualTo(READY);
        vm.interruptChip().setLine(GSI, true);
        assertThat(port()).isEqualTo(VECTOR);
        vm.interruptChip().setLine(GSI, false);
        assertQuiet();
        vm.interruptChip().setLine(GSI, true);
        assertThat(port()).isEqualTo(VECTOR);
        assertThat(port()).isEqualTo(VECTOR);
    }

    /** What the 8259As request goes along, to the software engine and back. */
    @Test
    void aRequestMovesAlong() {
        code(PIC.formatted(0xfd).replace("fb  ebfe", "fa  90  e691  fb  ebfe"), PIC_HANDLER);
        assertThat(port()).isEqualTo(READY);
        vm.interruptChip().setLine(1, true);
        vcpu.kick();
        assertThat(vcpu.run(ExitAnswer.NONE)).isEqualTo(new VmExit.Interrupted());
        try (VirtualMachine soft = machine(TestBackend.INTERPRETER)) {
            X86Vcpu other = soft.createVcpu(0, backend.models().parse("qemu64,-pni", 1, 1));
            StateTree.save(vm).restore(soft);
            StateTree.save(vcpu).restore(other);
            StateTree.save(soft).restore(vm);
            StateTree.save(other).restore(vcpu);
        }
        assertThat(port()).isEqualTo(0x91);
        assertThat(port()).isEqualTo(VECTOR);
    }
}
