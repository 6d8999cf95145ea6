package org.jkvm.payloads;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.HexFormat;
import java.util.Optional;
import org.jkvm.base.UserException;
import org.jkvm.hybrid.Engine;
import org.jkvm.hybrid.HybridHypervisor;
import org.jkvm.hybrid.HybridVm;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.kvm.KvmHypervisor;
import org.jkvm.soft.SoftCpus;
import org.jkvm.soft.SoftOptions;
import org.jkvm.x86.Vector;
import org.jkvm.x86.state.Rflags;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A machine that moves between hardware and software while its guest counts, and what goes wrong on the way. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LiveSwitchTest extends RealModeTest<HybridVm> {
    private static final int VECTOR = 0x50;

    @BeforeEach
    void makeMachine() {
        TestBackend.KVM.assumePresent();
        vm = machine("qemu64");
        vcpu.singleStep(false);
    }

    private HybridVm machine(String model) {
        KvmHypervisor kvm = new KvmHypervisor();
        HybridVm made = machine(new HybridHypervisor(Engine.SOFT, SoftOptions.DEFAULT, Optional.of(kvm), "")::createVirtualMachine, 1);
        boolean modest = model.equals("qemu64");
        vcpu = made.createVcpu(0, (modest ? SoftCpus.models().limitedTo(kvm.features()) : SoftCpus.models()).parse(model, 1, 1));
        return made;
    }

    /** The next value that the guest writes to a port. */
    private long next() {
        return write().value();
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

    /** The kernel's 8259As would interrupt by vectors 0 to 15, and its timer runs. */
    @Test
    void controllersThatNobodySetUpStaySilent() {
        for (int vector = 0; vector < 16; vector++) {
            handler(vector, CODE + 0x80, "e6 01  cf"); // out 1, al; iret
        }
        code("fb  eb fe"); // sti; jmp $
        settle();
        vm.moveTo(Engine.KVM);
        vm.interruptChip().setLine(1, true);
        assertQuiet();
        assertQuiet();
    }

    /** An interrupt that ends a halt takes the flags along to the guest's stack, as they are then. */
    @Test
    void anIdleGuestSeesNothingOfSingleSteps() {
        handler(Vector.DB, CODE + 0x80, "e6 01  cf"); // out 1, al; iret
        handler(VECTOR, CODE + 0x90, // push bp; mov bp, sp; mov ax, [bp+6]; out 10h, ax; mov dword es:[b0h], 0 (EOI); pop bp; iret
                "55  89 e5  8b 46 06  e7 10  26 66 c7 06 b000 00000000  5d  cf");
        code("e6 12  fb  f4  9c  58  e7 11  eb f9", state -> { // out 12h, al; sti; hlt; pushf; pop ax; out 11h, ax; jmp to hlt
            state.segments[0] = segment(APIC);
            enableApic(state);
        });
        assertThat(port()).isEqualTo(0x12);
        for (int move = 0; move < 20; move++) {
            assertQuiet();
            assertThat(vcpu.readState().activity).isEqualTo(X86State.Activity.HALTED);
            vm.moveTo(move % 2 == 0 ? Engine.KVM : Engine.SOFT);
            assertQuiet();
            vm.interruptChip().signal(APIC, VECTOR);
            assertThat(trapFlag(0x10)).as("in the handler").isZero();
            assertThat(trapFlag(0x11)).as("behind it").isZero();
        }
    }

    /** TF in what the guest writes to {@code port} next, which is of flags. */
    private long trapFlag(int port) {
        VmExit.PortWrite write = write();
        assertThat(write.port()).isEqualTo(port);
        return write.value() & Rflags.TF;
    }

    @Test
    void whatHardwareLacksSoftwareExecutes() {
        vm.moveTo(Engine.KVM);
        code("db e3  d9 eb  d9 e8  dd d8  b0 07  e6 10"); // fninit; fldpi; fld1; fstp st0; mov al, 7; out 10h, al
        assertThat(next()).isEqualTo(7);
        assertThat(HexFormat.of().formatHex(vcpu.readState().xsave, 32, 42)).isEqualTo("35c26821a2da0fc90040");
    }

    @ParameterizedTest
    @CsvSource({"SOFT,KVM", "KVM,SOFT"})
    void theDirtyLogMovesAlong(Engine from, Engine to) {
        vm.moveTo(from);
        code("c6 06 0050 01  e6 10"); // mov byte [5000h], 1; out 10h, al
        next();
        settle();
        vm.moveTo(to);
        assertThat(vm.takeDirtyLog(0)[0] & 1 << 5).isNotZero();
        assertThat(vm.takeDirtyLog(0)[0] & 1 << 5).isZero();
    }

    @Test
    void aProcessorThatHardwareLacksStaysInSoftware() {
        vm.close();
        vm = machine("max");
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
            VmExit exit = run();
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
