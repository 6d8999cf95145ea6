package org.jkvm.kvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jkvm.base.MsiChannel;
import org.jkvm.base.UserException;
import org.jkvm.hypervisor.Doorbell;
import org.junit.jupiter.api.Test;

/** What the kernel has a bounded number of. */
class KvmLimitsTest {
    private static final long APIC = 0xfee0_0000L;
    private static final int PINS = 38;

    private final List<String> common = new ArrayList<>();

    @Test
    void moreVcpusThanTheHostRunsAreRefused() {
        assertThatThrownBy(() -> KvmVm.checkVcpus(9, 8)).isInstanceOf(UserException.class)
                .hasMessage("-smp 9: this host's KVM runs at most 8 vCPUs");
        assertThatCode(() -> KvmVm.checkVcpus(8, 8)).doesNotThrowAnyException();
    }

    @Test
    void messagesBeyondTheRoutingTableGoTheCommonWay() {
        try (Handle vm = machine()) {
            KvmMsiChannels channels = new KvmMsiChannels(vm, GsiRoutes.ofKernelChips(vm, PINS + 2), this::note);
            MsiChannel first = channels.open();
            first.signal(APIC, 0x40);
            channels.open().signal(APIC, 0x41);
            channels.open().signal(APIC, 0x42);
            assertThat(channels.inUse()).isEqualTo(2);
            assertThat(common).containsExactly("fee00000 42");
            first.release();
            channels.open().signal(APIC, 0x43);
            assertThat(channels.inUse()).isEqualTo(2);
            assertThat(common).hasSize(1);
            channels.close();
            assertThat(channels.inUse()).isZero();
        }
    }

    @Test
    void aDoorbellThatTheKernelRefusesIsNone() throws IOException {
        try (Handle vm = machine(); KvmDoorbells bells = new KvmDoorbells(vm)) {
            Doorbell first = bells.add(0xd000_0000L, 2, b -> { }).orElseThrow();
            long before = descriptors();
            assertThat(bells.add(0xd000_0000L, 2, b -> { })).isEmpty();
            assertThat(bells.add(0xd000_0000L, 3, b -> { })).isEmpty();
            assertThat(descriptors()).isEqualTo(before);
            first.close();
            assertThat(bells.add(0xd000_0000L, 2, b -> { })).isPresent();
        }
    }

    /** What the measurement shares with another thread is there until that one has ended, interrupted or not. */
    @Test
    void speedIsMeasuredOnAnInterruptedThread() {
        assumePresent();
        KvmHypervisor kvm = new KvmHypervisor();
        Thread.currentThread().interrupt();
        KvmSpeed speed = KvmSpeed.measure(kvm);
        assertThat(Thread.interrupted()).as("still interrupted").isTrue();
        assertThat(speed.instructionsPerSecond()).isPositive();
    }

    private static long descriptors() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.count();
        }
    }

    private static void assumePresent() {
        assumeTrue(Files.isReadable(KvmSystem.DEVICE) && Files.isWritable(KvmSystem.DEVICE),
                "this host has no /dev/kvm that can be opened");
    }

    private void note(long address, int data) {
        common.add(Long.toHexString(address) + " " + Integer.toHexString(data));
    }

    private static Handle machine() {
        assumePresent();
        try (KvmSystem system = KvmSystem.open()) {
            Handle vm = system.createVm();
            vm.call(Request.KVM_CREATE_IRQCHIP, 0);
            return vm;
        }
    }
}
