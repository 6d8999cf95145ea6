package org.jkvm.payloads;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.jkvm.base.HostException;
import org.jkvm.hypervisor.MemorySlot;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.linux.Descriptors;
import org.jkvm.linux.ThreadSignals;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Machines on /dev/kvm whose descriptors, threads and limits are not treated well: a clear message, nothing left open, no hang. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class IllTreatedKvmTest extends RealModeTest<VirtualMachine> {
    private static final int LAST_SLOT = 508;
    private static final int STORM = 20_000;

    private CpuModel model;

    private void make(TestBackend backend) {
        backend.assumePresent();
        model = backend.models().parse("qemu64", 1, 1);
        vm = machine(backend.hypervisor()::createVirtualMachine, 4);
        vcpu = vm.createVcpu(0, model);
    }

    @ParameterizedTest
    @EnumSource(names = {"KVM", "ASSISTED"})
    void aDescriptorThatIsClosedUnderItIsNamed(TestBackend backend) throws IOException {
        make(backend);
        code("ebfe"); // jmp $
        open("kvm-vcpu").forEach(Descriptors::close);
        assertThat(failure()).contains("KVM_").contains("EBADF");
    }

    /** What it says, as an exit or as an exception. */
    private String failure() {
        try {
            return ((VmExit.InternalError) run()).reason();
        } catch (HostException e) {
            return e.getMessage();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"KVM", "ASSISTED"})
    void aStormOfSignalsChangesNothing(TestBackend backend) throws InterruptedException {
        make(backend);
        code("66 40  66 e7 10  eb f9"); // inc eax; out 10h, eax; jmp
        int thread = ThreadSignals.currentThread();
        Thread storm = Thread.ofPlatform().start(() -> {
            for (int n = 0; n < STORM; n++) {
                ThreadSignals.interrupt(thread);
            }
        });
        for (long expected = 1; expected <= 500 || storm.isAlive(); expected++) {
            assertThat(write().value()).isEqualTo(expected);
        }
        storm.join();
    }

    @ParameterizedTest
    @EnumSource(names = {"KVM", "ASSISTED"})
    void aHaltedProcessorIsKickedOutHoweverOften(TestBackend backend) throws InterruptedException {
        make(backend);
        code("f4"); // hlt
        Thread storm = Thread.ofPlatform().start(() -> {
            for (int n = 0; n < STORM; n++) {
                vcpu.kick();
            }
        });
        do {
            assertThat(run()).isEqualTo(new VmExit.Interrupted());
            vcpu.kick();
        } while (storm.isAlive());
        storm.join();
    }

    @ParameterizedTest
    @EnumSource(names = {"KVM", "ASSISTED"})
    void slotsBeyondTheLastAndOverEachOtherAreRefused(TestBackend backend) {
        make(backend);
        MemorySegment page = ram.segment().asSlice(0, MemorySlot.PAGE);
        vm.setMemorySlot(new MemorySlot(LAST_SLOT, 0x1000_0000, page, false, false));
        assertThatThrownBy(() -> new MemorySlot(LAST_SLOT + 1, 0x2000_0000, page, false, false))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("index 0 to 508");
        assertThatThrownBy(() -> vm.setMemorySlot(new MemorySlot(1, 0x1000_0000, page, false, false)))
                .isInstanceOf(IllegalArgumentException.class).hasMessage("memory slot 1 overlaps slot 508");
    }

    @ParameterizedTest
    @EnumSource(names = {"KVM", "ASSISTED"})
    void whatCouldNotBeMadeLeavesNothingOpen(TestBackend backend) throws IOException {
        make(backend);
        long before = descriptors();
        for (int n = 0; n < 3; n++) {
            assertThatThrownBy(() -> vm.createVcpu(0, model)).hasMessageContaining("KVM_CREATE_VCPU").hasMessageContaining("EEXIST");
            try (VirtualMachine other = backend.hypervisor().createVirtualMachine(new VmConfig(2, clock))) {
                other.createVcpu(0, model);
                other.createVcpu(1, model);
                assertThatThrownBy(() -> other.createVcpu(1, model)).isInstanceOf(HostException.class);
            }
        }
        assertThat(descriptors()).isEqualTo(before);
    }
}
