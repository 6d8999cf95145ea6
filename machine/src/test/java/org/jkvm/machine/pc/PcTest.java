package org.jkvm.machine.pc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jkvm.base.UserException;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.base.backend.EntropySource;
import org.jkvm.base.state.StateTree;
import org.jkvm.devices.virtio.VirtioOptions;
import org.jkvm.devices.virtio.balloon.BalloonOptions;
import org.jkvm.devices.virtio.blk.BlkOptions;
import org.jkvm.devices.virtio.console.PortOptions;
import org.jkvm.devices.virtio.console.SerialOptions;
import org.jkvm.devices.virtio.rng.RngOptions;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.machine.loader.DirectBoot;
import org.jkvm.machine.run.Cause;
import org.jkvm.machine.run.LifePolicy;
import org.jkvm.machine.run.MachineEvent;
import org.jkvm.testkit.FakeHypervisor;
import org.jkvm.testkit.FakeVcpu;
import org.jkvm.testkit.KernelImages;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(20)
class PcTest {
    private static final CpuModel CPU_64 =
            new CpuModel("fake64", List.of(new CpuModel.Leaf(0x8000_0001, -1, 0, 0, 0, 1 << 29)));
    private static final long MIB = 1 << 20;

    @TempDir
    private Path folder;

    private final FakeHypervisor hypervisor = new FakeHypervisor();
    private final BlockingQueue<MachineEvent> events = new LinkedBlockingQueue<>();
    private final ByteArrayOutputStream serial = new ByteArrayOutputStream();
    private final List<PciCard> cards = new ArrayList<>();
    private final List<DebugDevice> debug = new ArrayList<>();
    private boolean sourceClosed;
    private Pc pc;

    private PcConfig config(long memory) throws IOException {
        Path kernel = Files.write(folder.resolve("kernel"), KernelImages.bzImage(true, new byte[1024]));
        CharacterBackend backend = new CharacterBackend() {
            @Override
            public void write(byte[] bytes, int offset, int length) {
                serial.write(bytes, offset, length);
            }

            @Override
            public void connect(Receiver receiver) {
            }

            @Override
            public void close() {
            }
        };
        return new PcConfig("test", GuestRam.of(memory), 2, CPU_64, DirectBoot.open(kernel, "", "quiet"), List.of(backend), cards, debug,
                () -> Instant.EPOCH, new LifePolicy(true, true, folder));
    }

    private FakeVcpu start() throws IOException {
        pc = new Pc(config(64 * MIB), hypervisor);
        pc.machine().listen(events::add);
        pc.machine().start(false);
        return hypervisor.machine().vcpus().getFirst();
    }

    @AfterEach
    void close() {
        if (pc != null) {
            pc.close();
            assertThat(hypervisor.machine().closed()).isTrue();
        }
    }

    private static PciCard disk(String id, int slot) {
        return new PciCard.VirtioDisk(id, slot, new MemoryDisk(), BlkOptions.DEFAULTS, VirtioOptions.DEFAULTS);
    }

    private static VmExit out(int port, int size, long value) {
        byte[] data = new byte[size];
        for (int i = 0; i < size; i++) {
            data[i] = (byte) (value >> 8 * i);
        }
        return new VmExit.PortWrite(port, size, 1, data);
    }

    private static VmExit in(int port, int size) {
        return new VmExit.PortRead(port, size, 1);
    }

    private static List<Long> values(List<ExitAnswer> answers) {
        return answers.stream().map(a -> ((ExitAnswer.Value) a).value()).toList();
    }

    private MachineEvent.Reset awaitReset() throws InterruptedException {
        for (MachineEvent e = events.poll(10, TimeUnit.SECONDS); e != null; e = events.poll(10, TimeUnit.SECONDS)) {
            if (e instanceof MachineEvent.Reset reset) {
                return reset;
            }
        }
        throw new AssertionError("no reset");
    }

    @Test
    void theBootstrapProcessorIsAtTheKernelsEntry() throws Exception {
        FakeVcpu vcpu = start();
        pc.machine().stop();
        assertThat(vcpu.readState().rip).isEqualTo(0x10_0200);
        assertThat(vcpu.readState().msrs.get(0xc000_0080)).isEqualTo(0x500);
        assertThat(vcpu.resets()).isEqualTo(1);
        assertThat(hypervisor.machine().vcpus().get(1).resets()).isEqualTo(1);
        byte[] signature = new byte[8];
        pc.memory().read(0xf_0000, signature, 0, 8);
        assertThat(new String(signature, StandardCharsets.US_ASCII)).isEqualTo("RSD PTR ");
        pc.memory().read(0xf_e000, signature, 0, 4);
        assertThat(new String(signature, 0, 4, StandardCharsets.US_ASCII)).isEqualTo("_SM_");
    }

    @Test
    void theChipsAreWhereAPcHasThem() throws Exception {
        FakeVcpu vcpu = start();
        vcpu.script(out(0xcf8, 4, 0x8000_0000L), in(0xcfc, 4),
                out(0xcf8, 4, 0x8000_0800L), in(0xcfc, 4),
                out(0xcf8, 4, 0x8000_0860L), in(0xcfc, 4),
                in(0x604, 2), in(0x3fd, 1), in(0x2fd, 1), in(0x64, 1), out(0x70, 1, 0x34), in(0x71, 1),
                out(0x510, 2, 0), new VmExit.PortRead(0x511, 1, 4));
        List<ExitAnswer> answers = vcpu.awaitAnswers(9);
        assertThat(values(answers.subList(0, 8))).containsExactly(0x1237_8086L, 0x7000_8086L, 0x0b0b_0a0aL,
                0L, 0x60L, 0xffL, 0x10L, 0x00L);
        assertThat(((ExitAnswer.Data) answers.get(8)).bytes()).asString(StandardCharsets.US_ASCII).isEqualTo("QEMU");
    }

    @Test
    void theGuestPrints() throws Exception {
        FakeVcpu vcpu = start();
        vcpu.script(out(0x3fb, 1, 3), out(0x3f8, 1, 'h'), out(0x3f8, 1, 'i'), in(0x3fd, 1));
        vcpu.awaitAnswers(1);
        assertThat(serial.toString(StandardCharsets.US_ASCII)).isEqualTo("hi");
    }

    @Test
    void acpiSleepType0PowersOff() throws Exception {
        start().script(out(0x604, 2, 1 << 13));
        assertThat(pc.machine().awaitExit()).isZero();
        assertThat(events).contains(new MachineEvent.Shutdown(Cause.GUEST_SHUTDOWN, ""));
    }

    @Test
    void everyResetSwitchResets() throws Exception {
        FakeVcpu vcpu = start();
        for (VmExit way : List.of(out(0xcf9, 1, 6), out(0x64, 1, 0xfe), out(0x92, 1, 1), new VmExit.Shutdown())) {
            pc.memory().writeInt(0x10_0000, 4, -1);
            vcpu.script(way);
            awaitReset();
            pc.machine().whileStopped(() ->
                    assertThat(pc.memory().readInt(0x10_0000, 4)).as("the kernel is loaded again").isZero());
        }
        assertThat(hypervisor.machine().interruptChip().resets()).isEqualTo(5);
    }

    @Test
    void thePowerButtonRaisesTheSci() throws Exception {
        FakeVcpu vcpu = start();
        vcpu.script(out(0xb2, 1, 0xf1), out(0x602, 2, 0x100), in(0x600, 2));
        vcpu.awaitAnswers(1);
        pc.machine().powerButton();
        pc.machine().stop();
        assertThat(hypervisor.machine().interruptChip().level(9)).isTrue();
    }

    @Test
    void debugDevicesComeWhenAsked() throws Exception {
        debug.add(DebugDevice.Exit.DEFAULTS);
        debug.add(new DebugDevice.Console(0x402, CharacterBackend.NULL));
        debug.add(new DebugDevice.TestDevice());
        FakeVcpu vcpu = start();
        vcpu.script(in(0x402, 1), out(0xe0, 4, 0x1234_5678), in(0xe0, 4), new VmExit.MmioWrite(0xff00_0010L, 4, 77),
                new VmExit.MmioRead(0xff00_0010L, 4));
        assertThat(values(vcpu.awaitAnswers(3))).containsExactly(0xe9L, 0x1234_5678L, 77L);
        vcpu.script(out(0x501, 1, 0x10));
        assertThat(pc.machine().awaitExit()).isEqualTo(0x21);
    }

    @Test
    void aDiskIsInTheFirstFreeSlotWithItsWindowsMapped() throws Exception {
        cards.add(disk("a", PciCard.ANY_SLOT));
        cards.add(disk("b", 2));
        FakeVcpu vcpu = start();
        vcpu.script(out(0xcf8, 4, 0x8000_1800L), in(0xcfc, 4), out(0xcf8, 4, 0x8000_1820L), in(0xcfc, 4));
        List<Long> answers = values(vcpu.awaitAnswers(2));
        assertThat(answers.getFirst()).isEqualTo(0x1042_1af4L);
        long structures = answers.get(1) & ~15L;
        assertThat(structures).isGreaterThanOrEqualTo(0xc000_0000L).isLessThan(0xfec0_0000L);
        vcpu.script(new VmExit.MmioRead(structures + 0x2000, 8));
        assertThat(values(vcpu.awaitAnswers(3)).get(2)).as("capacity in sectors").isEqualTo(MemoryDisk.SIZE / 512);
        assertThat(pc.describeAddressSpaces()).contains("virtio-blk").contains("03f8-03ff: serial0");
    }

    @Test
    void cardsOfEveryKindShowTheirIdentity() throws Exception {
        EntropySource source = new EntropySource() {
            @Override
            public CompletableFuture<byte[]> read(int wanted) {
                return CompletableFuture.completedFuture(new byte[] {1});
            }

            @Override
            public void close() {
                sourceClosed = true;
            }
        };
        MemoryDisk disk = new MemoryDisk();
        cards.add(new PciCard.VirtioDisk("d", PciCard.ANY_SLOT, disk, BlkOptions.DEFAULTS, VirtioOptions.DEFAULTS));
        cards.add(new PciCard.VirtioRandom("r", PciCard.ANY_SLOT, source, RngOptions.DEFAULTS, VirtioOptions.DEFAULTS));
        cards.add(new PciCard.VirtioBalloon("b", PciCard.ANY_SLOT, BalloonOptions.DEFAULTS, VirtioOptions.DEFAULTS));
        cards.add(new PciCard.VirtioSerial("s", PciCard.ANY_SLOT, SerialOptions.DEFAULTS,
                List.of(new PciCard.Port(new PortOptions(0, true, ""), CharacterBackend.NULL)), VirtioOptions.DEFAULTS));
        FakeVcpu vcpu = start();
        for (int slot = 2; slot < 6; slot++) {
            vcpu.script(out(0xcf8, 4, 0x8000_0000L | slot << 11), in(0xcfc, 4));
        }
        assertThat(values(vcpu.awaitAnswers(4))).containsExactly(0x1042_1af4L, 0x1044_1af4L, 0x1045_1af4L, 0x1043_1af4L);
        assertThat(pc.cards().disks()).hasSize(1);
        assertThat(pc.cards().balloon()).isPresent();
        pc.close();
        assertThat(disk.closed() && sourceClosed).isTrue();
        pc = null;
    }

    @Test
    void stateGoesIntoAnotherPc() throws Exception {
        FakeVcpu vcpu = start();
        vcpu.script(out(0x3ff, 1, 0x5a), out(0xcf8, 4, 0x8000_0860L), in(0x3ff, 1));
        vcpu.awaitAnswers(1);
        pc.machine().stop();
        StateTree saved = StateTree.save(pc);
        FakeHypervisor second = new FakeHypervisor();
        try (Pc other = new Pc(config(64 * MIB), second)) {
            saved.restore(other);
            assertThat(StateTree.save(other).values().keySet()).isEqualTo(saved.values().keySet());
            assertThat(other.bus().lockedGet(() -> other.bus().ports().read(0x3ff, 1))).isEqualTo(0x5a);
        }
    }

    @Test
    void impossibleConfigurationsAreRefused() throws Exception {
        assertThatThrownBy(() -> new Pc(config(512), hypervisor)).isInstanceOf(UserException.class)
                .hasMessageContaining("-m: ");
        cards.add(disk("a", 1));
        assertThatThrownBy(() -> config(MIB)).isInstanceOf(UserException.class).hasMessageContaining("slot 1 is taken");
    }

    @Test
    void aMachineThatCantBeBuiltLeavesNothingBehind() throws Exception {
        debug.add(new DebugDevice.Exit(0x3f8, 1));
        assertThatThrownBy(() -> new Pc(config(64 * MIB), hypervisor)).isInstanceOf(UserException.class)
                .hasMessageContaining("isa-debug-exit at 3f8h overlaps serial0");
        assertThat(hypervisor.machine().closed()).isTrue();
    }

    @Test
    void aKernelThatDoesNotFitIsRefusedAtTheStart() throws Exception {
        pc = new Pc(config(MIB), hypervisor);
        assertThatThrownBy(() -> pc.machine().start(false)).isInstanceOf(UserException.class)
                .hasMessageContaining("does not fit into memory");
    }
}
