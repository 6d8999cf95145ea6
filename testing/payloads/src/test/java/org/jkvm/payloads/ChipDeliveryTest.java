package org.jkvm.payloads;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.util.stream.IntStream;
import org.jkvm.base.state.StateTree;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.X86Vcpu;
import org.jkvm.kvm.KvmHypervisor;
import org.jkvm.kvm.KvmSpeed;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** How lines, timer and ends of interrupts reach a processor by way of the interrupt chip, wherever its parts are. */
@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ParameterizedClass
@EnumSource(names = {"INTERPRETER", "KVM", "ASSISTED", "ASSISTED_SPLIT"})
class ChipDeliveryTest extends RealModeTest<VirtualMachine> {
    private static final int HANDLER = 0x1100;
    private static final int VECTOR = 0x50;
    private static final int READY = 0x90;
    private static final int GSI = 20;
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

    ChipDeliveryTest(TestBackend backend) {
        this.backend = backend;
    }

    @BeforeEach
    void makeMachine() {
        backend.assumePresent();
        vm = machine(backend.hypervisor()::createVirtualMachine, 1);
        vcpu = vm.createVcpu(0, backend.models().parse("qemu64,-pni", 1, 1));
    }

    /** Code, and the handler of vectors 50h to 57h; ES begins at the I/O APIC, FS at the local one, which is on. */
    private void code(String code, String handler) {
        IntStream.range(0, 8).forEach(n -> handler(VECTOR + n, HANDLER, handler));
        code(code, state -> {
            state.segments[0] = segment(0xfec0_0000L);
            state.segments[4] = segment(APIC);
            enableApic(state);
        });
    }

    private void assumeEndsAreToldInTime() {
        assumeFalse(backend == TestBackend.KVM && !KvmSpeed.measure(new KvmHypervisor()).inHardware(),
                "this host's KVM is an emulation, which shows interrupts as ended that have just begun");
    }

    /** The line is low again when the handler begins. */
    private void interruptByLevel() {
        assumeEndsAreToldInTime();
        code(LEVEL, LEVEL_HANDLER);
        assertThat(port()).isEqualTo(READY);
        vm.interruptChip().setLine(GSI, true);
        assertThat(port()).isEqualTo(VECTOR);
        vm.interruptChip().setLine(GSI, false);
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
        interruptByLevel();
        settle();
        vcpu.singleStep(true);
        while (vcpu.readState().rip != ENDED) {
            assertThat(run()).isNotInstanceOf(VmExit.PortWrite.class);
        }
        try (VirtualMachine soft = machine(TestBackend.INTERPRETER.hypervisor()::createVirtualMachine, 1)) {
            X86Vcpu other = soft.createVcpu(0, backend.models().parse("qemu64,-pni", 1, 1));
            StateTree.save(vm).restore(soft);
            StateTree.save(vcpu).restore(other);
            soft.interruptChip().setLine(GSI, true);
            assertThat(((VmExit.PortWrite) other.run(ExitAnswer.NONE)).port()).isEqualTo(VECTOR);
        }
    }

    @Test
    void aLevelIsSentAgainUntilItEnds() {
        interruptByLevel();
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
        settle();
        try (VirtualMachine soft = machine(TestBackend.INTERPRETER.hypervisor()::createVirtualMachine, 1)) {
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
