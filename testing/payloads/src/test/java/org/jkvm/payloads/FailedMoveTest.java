package org.jkvm.payloads;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;
import org.jkvm.base.HostException;
import org.jkvm.base.UserException;
import org.jkvm.hybrid.Engine;
import org.jkvm.hybrid.HybridHypervisor;
import org.jkvm.hybrid.HybridVm;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.kvm.KvmHypervisor;
import org.jkvm.linux.Descriptors;
import org.jkvm.soft.SoftOptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Moves to the hardware that fail on the way, wherever the clock is asked: the guest stays, and nothing is left open. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FailedMoveTest extends RealModeTest<HybridVm> {
    private final TroubledClock troubled = new TroubledClock(clock);
    private long counted;

    @BeforeEach
    void makeMachine() {
        TestBackend.KVM.assumePresent();
        HybridHypervisor hypervisor = new HybridHypervisor(Engine.SOFT, SoftOptions.DEFAULT, Optional.of(new KvmHypervisor()), "");
        vm = machine(config -> hypervisor.createVirtualMachine(new VmConfig(config.maxVcpus(), troubled)), 1);
        vcpu = vm.createVcpu(0, TestBackend.KVM.models().parse("qemu64", 1, 1));
        code("66 40  66 e7 10  eb f9"); // inc eax; out 10h, eax; jmp
    }

    /** Returns how often the way there asks the clock. */
    private int thereAndBack() {
        int before = troubled.asked();
        vm.moveTo(Engine.KVM);
        int questions = troubled.asked() - before;
        assertCounting();
        vm.moveTo(Engine.SOFT);
        assertCounting();
        return questions;
    }

    private void assertCounting() {
        assertThat(write().value()).isEqualTo(++counted);
        settle();
    }

    private void assertStays(String why) {
        assertThatThrownBy(() -> vm.moveTo(Engine.KVM)).isInstanceOf(UserException.class).hasMessageMatching("accel kvm: " + why);
        assertThat(vm.engine()).isEqualTo(Engine.SOFT);
    }

    /** Among others where the hardware's machine is made and its helper can't be. */
    @Test
    void whateverThrowsNothingIsLeftOpen() throws IOException {
        int questions = thereAndBack();
        long before = descriptors();
        for (int nth = 1; nth <= questions; nth++) {
            troubled.expect(nth, () -> {
                throw new HostException("no clock");
            });
            assertStays("no clock");
            assertThat(descriptors()).as("question %d of %d", nth, questions).isEqualTo(before);
            assertCounting();
        }
        thereAndBack();
    }

    /** With the last question the state has arrived; where to stop has yet to be told. */
    @Test
    void aProcessorThatIsLostInTheEndIsNotMovedTo() {
        int questions = thereAndBack();
        vcpu.singleStep(true);
        troubled.expect(questions, FailedMoveTest::loseProcessors);
        assertStays("KVM .*EBADF.*");
        vcpu.singleStep(false);
        assertCounting();
        thereAndBack();
    }

    private static void loseProcessors() {
        try {
            open("kvm-vcpu").forEach(Descriptors::close);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
