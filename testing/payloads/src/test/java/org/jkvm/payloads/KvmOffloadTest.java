package org.jkvm.payloads;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jkvm.base.MsiChannel;
import org.jkvm.base.state.StateTree;
import org.jkvm.hypervisor.Doorbell;
import org.jkvm.hypervisor.PostedWrites;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmExit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What /dev/kvm does without leaving guest mode: doorbells, gathered writes, messages that an event sends. Real-mode code. */
@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KvmOffloadTest extends RealModeTest<VirtualMachine> {
    /** DS begins here: nothing is. */
    private static final long DEVICE = RAM;
    private static final long BELL = DEVICE + 0x2000;
    private static final int IRR = 0x200;

    private final Semaphore rung = new Semaphore(0);
    private final List<String> posted = new ArrayList<>();
    private final PostedWrites list = new PostedWrites() {
        @Override
        public void port(int port, int size, long value) {
            posted.add("port " + Integer.toHexString(port) + " " + size + " " + value);
        }

        @Override
        public void mmio(long address, int size, long value) {
            posted.add("mmio " + Long.toHexString(address) + " " + size + " " + value);
        }
    };

    @BeforeEach
    void makeMachine() {
        TestBackend.KVM.assumePresent();
        vm = machine(TestBackend.KVM.hypervisor()::createVirtualMachine, 1);
        vcpu = vm.createVcpu(0, TestBackend.KVM.models().parse("qemu64", 1, 1));
    }

    /** Code at 1000h; handlers of vectors 50h and 51h at 1080h and 1090h; DS where nothing is, ES at the local APIC, which is on. */
    @Override
    void code(String hex) {
        handler(0x50, CODE + 0x80, "e6 50  26 66 c7 06 b000 00000000  cf"); // out 50h, al; mov dword es:[b0h], 0 (EOI); iret
        handler(0x51, CODE + 0x90, "e6 51  26 66 c7 06 b000 00000000  cf");
        code(hex, state -> {
            state.segments[0] = segment(APIC);
            state.segments[3] = segment(DEVICE);
            enableApic(state);
        });
    }

    private Doorbell doorbell() {
        return vm.doorbell(BELL, 2, bell -> {
            if (bell.take()) {
                rung.release();
            }
        }).orElseThrow();
    }

    private void awaitRing() throws InterruptedException {
        assertThat(rung.tryAcquire(10, TimeUnit.SECONDS)).as("rung").isTrue();
    }

    @Test
    void aDoorbellRingsAndTheGuestGoesOn() throws InterruptedException {
        doorbell();
        code("a3 0020  e6 10  a3 0020  e6 11"); // mov [2000h], ax; out 10h, al; mov [2000h], ax; out 11h, al
        assertThat(port()).isEqualTo(0x10);
        awaitRing();
        assertThat(port()).isEqualTo(0x11);
        awaitRing();
        assertThat(rung.availablePermits()).isZero();
    }

    @Test
    void otherSizesReadsAndNeighboursAreExits() {
        doorbell();
        code("a2 0020  a3 0220  66 a3 0020  a1 0020"); // mov [2000h], al; mov [2002h], ax; mov [2000h], eax; mov ax, [2000h]
        assertThat(run()).isEqualTo(new VmExit.MmioWrite(BELL, 1, 0));
        assertThat(run()).isEqualTo(new VmExit.MmioWrite(BELL + 2, 2, 0));
        assertThat(run()).isEqualTo(new VmExit.MmioWrite(BELL, 4, 0));
        assertThat(run()).isEqualTo(new VmExit.MmioRead(BELL, 2));
        assertThat(rung.availablePermits()).isZero();
    }

    /** Who saves a machine asks so: what nobody has heard of yet is not lost. */
    @Test
    void aDoorbellThatNobodyHeardIsTakenLater() {
        Doorbell bell = vm.doorbell(BELL, 2, unheard -> { }).orElseThrow();
        code("a3 0020  a3 0020  e6 10"); // mov [2000h], ax; mov [2000h], ax; out 10h, al
        assertThat(port()).isEqualTo(0x10);
        assertThat(bell.take()).isTrue();
        assertThat(bell.take()).isFalse();
    }

    @Test
    void aDoorbellThatIsClosedIsAnExitAgain() throws IOException {
        doorbell().close();
        long before = descriptors();
        for (int n = 0; n < 10; n++) {
            doorbell().close();
        }
        assertThat(descriptors()).isEqualTo(before);
        code("a3 0020"); // mov [2000h], ax
        assertThat(run()).isEqualTo(new VmExit.MmioWrite(BELL, 2, 0));
    }

    @Test
    void doorbellsOfAClosedMachineAreSilent() {
        Doorbell bell = doorbell();
        vm.close();
        assertThat(bell.take()).isFalse();
        bell.close();
        assertThat(vm.doorbell(BELL, 2, b -> { })).isEmpty();
    }

    @Test
    void writesAreGatheredInOrderUntilAnExit() {
        assertThat(vm.postPortWrites(0x80, 1)).isTrue();
        assertThat(vm.postMmioWrites(BELL, 4)).isTrue();
        code("b8 3412  e6 80  a3 0020  e7 81  e6 80  e6 10"); // mov ax, 1234h; out 80h, al; mov [2000h], ax; out 81h, ax; ...
        assertThat(port()).isEqualTo(0x81);
        vm.deliverPosted(list);
        assertThat(posted).containsExactly("port 80 1 52", "mmio 102000 2 4660");
        assertThat(port()).isEqualTo(0x10);
        vm.deliverPosted(list);
        vm.deliverPosted(list);
        assertThat(posted).hasSize(3).endsWith("port 80 1 52");
    }

    /** The write that the ring has no room for is the exit. */
    @Test
    void aFullRingLosesNothing() {
        vm.postPortWrites(0x80, 1);
        code("b9 2c01  88 c8  e6 80  e2 fa  e6 10"); // mov cx, 300; mov al, cl; out 80h, al; loop; out 10h, al
        for (int port = port(); port != 0x10; port = port()) {
            vm.deliverPosted(list);
            posted.add("exit");
        }
        vm.deliverPosted(list);
        assertThat(posted).hasSize(300).contains("exit");
        assertThat(posted.stream().filter(p -> !p.equals("exit"))).containsSubsequence(
                IntStream.rangeClosed(1, 100).mapToObj(n -> "port 80 1 " + (101 - n)).toList());
    }

    @Test
    void aChannelsMessageIsAnInterrupt() {
        MsiChannel channel = vm.interruptChip().channel();
        code("fb  eb fe"); // sti; jmp $
        channel.signal(APIC, 0x50);
        assertThat(port()).isEqualTo(0x50);
        channel.signal(APIC, 0x50);
        assertThat(port()).isEqualTo(0x50);
        channel.signal(APIC, 0x51);
        assertThat(port()).isEqualTo(0x51);
        channel.release();
        channel.signal(APIC, 0x50);
        assertThat(port()).isEqualTo(0x50);
    }

    @Test
    void aChannelsMessageWakesAHaltedProcessor() {
        MsiChannel channel = vm.interruptChip().channel();
        code("fb  f4  eb fd"); // sti; hlt; jmp to it
        clock.timer("message", () -> channel.signal(APIC, 0x51)).arm(clock.nanos() + 20_000_000);
        assertThat(port()).isEqualTo(0x51);
    }

    /** The saved local APIC has what was sent before, and nothing is held open for it. */
    @Test
    void savedMachinesHaveWhatWasSent() throws IOException {
        code("fb  eb fe"); // sti; jmp $
        long before = descriptors();
        List<MsiChannel> channels = Stream.generate(vm.interruptChip()::channel).limit(20).toList();
        IntStream.range(0, channels.size()).forEach(n -> channels.get(n).signal(APIC, 0x50 + n));
        assertThat(descriptors()).isEqualTo(before + channels.size());
        StateTree.save(vm);
        byte[] page = vcpu.readState().lapic;
        int requested = page[IRR + 0x22] & 0xff | (page[IRR + 0x23] & 0xff) << 8 | (page[IRR + 0x30] & 0xff) << 16;
        assertThat(requested).isEqualTo(0xf_ffff);
        assertThat(descriptors()).isEqualTo(before);
    }

    @Test
    void aClosedMachinesChannelsAreSilent() {
        MsiChannel channel = vm.interruptChip().channel();
        channel.signal(APIC, 0x50);
        vm.close();
        channel.signal(APIC, 0x50);
        channel.release();
    }
}
