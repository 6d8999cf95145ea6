package org.jkvm.payloads;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jkvm.base.UserException;
import org.jkvm.base.time.SystemClock;
import org.jkvm.hybrid.Engine;
import org.jkvm.hybrid.HybridHypervisor;
import org.jkvm.hybrid.HybridVm;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.MemorySlot;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86Vcpu;
import org.jkvm.kvm.KvmHypervisor;
import org.jkvm.linux.SharedMemory;
import org.jkvm.soft.SoftCpus;
import org.jkvm.soft.SoftOptions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A machine that moves between hardware and software while its guest counts, and what goes wrong on the way. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LiveSwitchTest {
    private static final int RAM = 1 << 20;
    private static final int CODE = 0x1000;

    private final SystemClock clock = new SystemClock(new ReentrantLock());
    private final SharedMemory ram = SharedMemory.allocate("switch", RAM);
    private HybridVm vm;
    private X86Vcpu vcpu;

    @BeforeEach
    void makeMachine() {
        TestBackend.KVM.assumePresent();
        vm = machine("qemu64", 1);
        vcpu.singleStep(false);
    }

    private HybridVm machine(String model, int vcpus) {
        KvmHypervisor kvm = new KvmHypervisor();
        HybridVm made = new HybridHypervisor(Engine.SOFT, SoftOptions.DEFAULT, Optional.of(kvm), "")
                .createVirtualMachine(new VmConfig(vcpus, clock));
        made.setMemorySlot(new MemorySlot(0, 0, ram.segment(), false, true));
        boolean modest = model.equals("qemu64");
        vcpu = made.createVcpu(0, (modest ? SoftCpus.models().limitedTo(kvm.features()) : SoftCpus.models()).parse(model, 1, 1));
        return made;
    }

    @AfterEach
    void closeMachine() {
        if (vm != null) {
            vm.close();
        }
        clock.close();
        ram.close();
    }

    private void code(String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
        MemorySegment.copy(bytes, 0, ram.segment(), ValueLayout.JAVA_BYTE, CODE, bytes.length);
        X86State state = vcpu.readState();
        state.segments[1] = new X86State.Segment(0, 0, 0xffff, 0x9b);
        state.rip = CODE;
        state.general[0] = 0;
        vcpu.writeState(state);
    }

    /** The next value that the guest writes to a port. */
    private long next() {
        return ((VmExit.PortWrite) vcpu.run(ExitAnswer.NONE)).value();
    }

    private void settle() {
        vcpu.kick();
        assertThat(vcpu.run(ExitAnswer.NONE)).isEqualTo(new VmExit.Interrupted());
    }

    @Test
    void aGuestCountsOnWhereverItIs() {
        code("66 40  66 e7 10  eb f9"); // inc eax; out 10h, eax; jmp
        long expected = 0;
        for (int move = 0; move < 20; move++) {
            for (int n = 0; n < 50; n++) {
                assertThat(next()).isEqualTo(++expected);
            }
            settle();
            vm.moveTo(move % 2 == 0 ? Engine.KVM : Engine.SOFT);
        }
    }

    @Test
    void timeGoesOn() {
        code("0f 31  66 e7 10  66 89 d0  66 e7 11  eb f3"); // rdtsc; out 10h, eax; mov eax, edx; out 11h, eax; jmp
        long last = 0;
        for (int move = 0; move < 6; move++) {
            long low = next();
            long now = next() << 32 | low;
            assertThat(now).isGreaterThan(last);
            last = now;
            settle();
            vm.moveTo(move % 2 == 0 ? Engine.KVM : Engine.SOFT);
        }
    }

    @Test
    void whatHardwareLacksSoftwareExecutes() {
        vm.moveTo(Engine.KVM);
        code("db e3  d9 eb  d9 e8  dd d8  b0 07  e6 10"); // fninit; fldpi; fld1; fstp st0; mov al, 7; out 10h, al
        assertThat(next()).isEqualTo(7);
        assertThat(HexFormat.of().formatHex(vcpu.readState().xsave, 32, 42)).isEqualTo("35c26821a2da0fc90040");
    }

    @Test
    void theDirtyLogMovesAlong() {
        code("c6 06 0050 01  e6 10"); // mov byte [5000h], 1; out 10h, al
        next();
        settle();
        vm.moveTo(Engine.KVM);
        assertThat(vm.takeDirtyLog(0)[0] & 1 << 5).isNotZero();
        assertThat(vm.takeDirtyLog(0)[0] & 1 << 5).isZero();
    }

    @Test
    void aProcessorThatHardwareLacksStaysInSoftware() {
        vm.close();
        vm = machine("max", 1);
        assertThatThrownBy(() -> vm.moveTo(Engine.KVM)).isInstanceOf(UserException.class)
                .hasMessageContaining("the guest was promised what this host's KVM lacks");
        code("40  e7 10"); // inc ax; out 10h, ax
        assertThat(next()).isEqualTo(1);
    }

    @Test
    void nothingIsLeftOpen() throws IOException {
        vm.moveTo(Engine.KVM);
        vm.moveTo(Engine.SOFT);
        long before = descriptors();
        for (int n = 0; n < 5; n++) {
            vm.moveTo(Engine.KVM);
            vm.moveTo(Engine.SOFT);
        }
        assertThat(descriptors()).isEqualTo(before);
    }

    private static long descriptors() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.count();
        }
    }

    @Test
    void aStormOfKicksLosesNothing() throws InterruptedException {
        vm.moveTo(Engine.KVM);
        code("66 40  66 e7 10  eb f9"); // inc eax; out 10h, eax; jmp
        Thread storm = Thread.ofPlatform().start(() -> {
            for (int n = 0; n < 2000; n++) {
                vcpu.kick();
            }
        });
        for (long expected = 1; expected <= 300;) {
            VmExit exit = vcpu.run(ExitAnswer.NONE);
            if (exit instanceof VmExit.PortWrite w) {
                assertThat(w.value()).isEqualTo(expected++);
            } else {
                assertThat(exit).isEqualTo(new VmExit.Interrupted());
            }
        }
        storm.join();
    }

    @Test
    void moreVcpusThanKvmAllowsAreRefused() {
        assertThatThrownBy(() -> vm.createVcpu(300, SoftCpus.models().parse("qemu64", 1, 1))).isInstanceOf(RuntimeException.class);
        vm.moveTo(Engine.KVM);
        assertThatThrownBy(() -> vm.createVcpu(0, SoftCpus.models().parse("qemu64", 1, 1)))
                .hasMessageContaining("KVM_CREATE_VCPU").hasMessageContaining("EEXIST");
    }
}
