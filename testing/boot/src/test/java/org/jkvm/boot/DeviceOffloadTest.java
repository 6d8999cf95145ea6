package org.jkvm.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.backend.EntropySource;
import org.jkvm.devices.virtio.VirtioOptions;
import org.jkvm.devices.virtio.blk.BlkOptions;
import org.jkvm.devices.virtio.rng.RngOptions;
import org.jkvm.hybrid.Engine;
import org.jkvm.hybrid.HybridHypervisor;
import org.jkvm.hypervisor.Hypervisor;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.kvm.KvmHypervisor;
import org.jkvm.machine.loader.DirectBoot;
import org.jkvm.machine.pc.DebugDevice;
import org.jkvm.machine.pc.GuestRam;
import org.jkvm.machine.pc.Pc;
import org.jkvm.machine.pc.PcConfig;
import org.jkvm.machine.pc.PciCard;
import org.jkvm.machine.run.LifePolicy;
import org.jkvm.soft.SoftCpus;
import org.jkvm.soft.SoftHypervisor;
import org.jkvm.soft.SoftOptions;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.jkvm.testkit.KernelImages;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A guest rings a virtio device's doorbell and halts; its MSI-X vector's handler ends the machine. The test is the driver that has
 * set up queue and vector before. On every backend, by whatever it has for that.
 */
@Timeout(60)
class DeviceOffloadTest {
    private static final int LOAD_ADDRESS = 0x10_0000;
    private static final int HEADER = 12;
    private static final int ENDED = 0x21;
    private static final int SLOT = 2;
    private static final long TABLES = 0x20_0000;
    private static final long IDT = TABLES + 0x1000;
    private static final long DESCRIPTORS = TABLES + 0x2000;
    private static final long AVAILABLE = TABLES + 0x3000;
    private static final long USED = TABLES + 0x4000;
    private static final long BUFFER = TABLES + 0x5000;
    private static final long REQUEST = TABLES + 0x6000;
    private static final long STATUS = REQUEST + 0x10;
    private static final int NEXT = 1;
    private static final int WRITE = 2;
    private static final int SECTOR = 512;
    private static final int VIRTIO_BLK_T_IN = 0;
    private static final int VECTOR = 0x40;
    private static final int HANDLER = 0x20;
    private static final byte[] RANDOM = {3, 1, 4, 1, 5, 9, 2, 6};

    @TempDir
    private Path folder;

    private Pc pc;
    /** Puts what the device is to read into memory. */
    private Consumer<GuestMemory> request = memory -> { };
    private volatile String asker;

    /** A piece of memory of a request; {@code written} by the device. */
    private record Piece(long address, int length, boolean written) {
    }

    /** A backend, the thread on which its devices hear of a doorbell, and how many events its interrupts take, a vector. */
    private enum Kind {
        KVM("doorbells", 1, 1) {
            @Override
            Hypervisor hypervisor() {
                assumeKvm();
                return new KvmHypervisor();
            }
        },
        ASSISTED("offload vcpu0|doorbells", 0, 1) {
            @Override
            Hypervisor hypervisor() {
                assumeKvm();
                return new HybridHypervisor(Engine.KVM, SoftOptions.DEFAULT, Optional.of(new KvmHypervisor()), "");
            }
        },
        SOFT("offload vcpu0", 0, 0) {
            @Override
            Hypervisor hypervisor() {
                return new SoftHypervisor();
            }
        };

        private final String thread;
        private final int fewest;
        private final int most;

        Kind(String thread, int fewest, int most) {
            this.thread = thread;
            this.fewest = fewest;
            this.most = most;
        }

        abstract Hypervisor hypervisor();

        private static void assumeKvm() {
            assumeTrue(Files.isReadable(Path.of("/dev/kvm")) && Files.isWritable(Path.of("/dev/kvm")),
                    "this host has no /dev/kvm that can be opened");
        }
    }

    private final EntropySource source = new EntropySource() {
        @Override
        public CompletableFuture<byte[]> read(int wanted) {
            asker = Thread.currentThread().getName();
            return CompletableFuture.completedFuture(RANDOM.clone());
        }

        @Override
        public void close() {
            // Nothing is open.
        }
    };

    @AfterEach
    void close() {
        if (pc != null) {
            pc.close();
        }
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void aDoorbellIsAnsweredByAnInterrupt(Kind kind) throws Exception {
        run(kind, new PciCard.VirtioRandom("rng", SLOT, source, RngOptions.DEFAULTS, VirtioOptions.DEFAULTS),
                new Piece(BUFFER, RANDOM.length, true));
        assertThat(memory(BUFFER, RANDOM.length)).isEqualTo(RANDOM);
        assertThat(asker).matches(kind.thread);
    }

    /** The disk answers on a thread of its own, when the processor has halted. */
    @ParameterizedTest
    @EnumSource(Kind.class)
    void aDisksSectorIsReadWithoutAnExit(Kind kind) throws Exception {
        byte[] contents = new byte[64 * SECTOR];
        new Random(4).nextBytes(contents);
        Image image = Images.open(Files.write(folder.resolve("disk"), contents), OpenOptions.defaults().withFormat("raw"));
        request = memory -> {
            memory.writeInt(REQUEST, 4, VIRTIO_BLK_T_IN);
            memory.writeInt(REQUEST + 8, 4, 3);
            memory.writeInt(STATUS, 1, 0xff);
        };
        run(kind, new PciCard.VirtioDisk("disk", SLOT, image, BlkOptions.DEFAULTS, VirtioOptions.DEFAULTS),
                new Piece(REQUEST, 16, false), new Piece(BUFFER, SECTOR, true), new Piece(STATUS, 1, true));
        assertThat(memory(BUFFER, SECTOR)).isEqualTo(Arrays.copyOfRange(contents, 3 * SECTOR, 4 * SECTOR));
        assertThat(memory(STATUS, 1)).containsExactly(0);
    }

    private void run(Kind kind, PciCard card, Piece... chain) throws Exception {
        pc = new Pc(new PcConfig("offload", GuestRam.of(16 << 20), 1, SoftCpus.models().parse("qemu64,-pni", 1, 1),
                DirectBoot.open(Files.write(folder.resolve("kernel"), kernel()), "", ""), List.of(), List.of(card),
                List.of(DebugDevice.Exit.DEFAULTS), InstantSource.system(), new LifePolicy(false, true, folder)), kind.hypervisor());
        pc.machine().start(true);
        pc.machine().whileStopped(() -> drive(chain));
        long events = events();
        pc.machine().resume();
        assertThat(pc.machine().awaitExit()).isEqualTo(ENDED);
        assertThat(events() - events).as("events for interrupts").isBetween((long) kind.fewest, (long) kind.most);
    }

    /** How many events (eventfd(2)) this process has. */
    private static long events() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.filter(DeviceOffloadTest::isEvent).count();
        }
    }

    private static boolean isEvent(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString().contains("[eventfd]");
        } catch (IOException closed) {
            return false;
        }
    }

    private byte[] memory(long address, int length) {
        byte[] read = new byte[length];
        pc.memory().read(address, read, 0, length);
        return read;
    }

    /** EBX is the doorbell's address. */
    private static byte[] kernel() {
        byte[] code = HexFormat.of().parseHex(("fb  66c7030000  f4  ebfd" // sti; mov word [ebx],0; hlt; jmp to it
                + "90".repeat(HANDLER - 9) + "66ba0105 b010 ee").replace(" ", "")); // handler: mov dx,501h; mov al,10h; out dx,al
        return KernelImages.elf32(LOAD_ADDRESS, HEADER, KernelImages.join(KernelImages.multibootHeader(0), code), 0x1000);
    }

    private void drive(Piece... chain) {
        config(4, 2, 6);
        request.accept(pc.memory());
        setUpQueue(config(0x20) & ~0xfL, chain);
        useMessages(config(0x14) & ~0xfL);
        setUpProcessor(config(0x20) & ~0xfL);
    }

    private long config(int offset) {
        return pc.pci().configRead(SLOT * 8, offset, 4);
    }

    private void config(int offset, int size, long value) {
        pc.pci().configWrite(SLOT * 8, offset, size, value);
    }

    private void mmio(long address, int size, long value) {
        pc.bus().mmio().write(address, size, value);
    }

    /** One request for the device (virtio 1.2, sections 2.7, 3.1.1 and 4.1.4.3). */
    private void setUpQueue(long common, Piece... chain) {
        GuestMemory memory = pc.memory();
        for (int n = 0; n < chain.length; n++) {
            boolean last = n == chain.length - 1;
            memory.writeInt(DESCRIPTORS + 16L * n, 4, (int) chain[n].address);
            memory.writeInt(DESCRIPTORS + 16L * n + 8, 4, chain[n].length);
            memory.writeInt(DESCRIPTORS + 16L * n + 12, 2, (last ? 0 : NEXT) | (chain[n].written ? WRITE : 0));
            memory.writeInt(DESCRIPTORS + 16L * n + 14, 2, n + 1);
        }
        mmio(common + 0x14, 1, 3);
        mmio(common + 8, 4, 1);
        mmio(common + 0xc, 4, 1);
        mmio(common + 0x14, 1, 0xb);
        mmio(common + 0x1a, 2, 0);
        mmio(common + 0x20, 4, DESCRIPTORS);
        mmio(common + 0x28, 4, AVAILABLE);
        mmio(common + 0x30, 4, USED);
        mmio(common + 0x1c, 2, 1);
        mmio(common + 0x14, 1, 0xf);
        // Not before: a device looks at its queues when it begins.
        memory.writeInt(AVAILABLE + 2, 2, 1);
    }

    private void useMessages(long table) {
        int msix = (int) config(0x34) & 0xff;
        while ((config(msix) & 0xff) != 0x11) {
            msix = (int) config(msix) >> 8 & 0xff;
        }
        config(msix + 2, 2, 0x8000);
        mmio(table, 8, 0xfee0_0000L);
        mmio(table + 8, 8, VECTOR);
    }

    /** Flat segments, a gate for the vector, the local APIC on. */
    private void setUpProcessor(long bar) {
        GuestMemory memory = pc.memory();
        memory.writeInt(TABLES + 8, 4, 0xffff);
        memory.writeInt(TABLES + 12, 4, 0x00cf_9b00);
        int handler = LOAD_ADDRESS + HEADER + HANDLER;
        memory.writeInt(IDT + 8 * VECTOR, 4, 8 << 16 | handler & 0xffff);
        memory.writeInt(IDT + 8 * VECTOR + 4, 4, handler & 0xffff_0000 | 0x8e00);
        X86State state = pc.vcpus().getFirst().readState();
        state.segments[1] = new X86State.Segment(8, 0, -1, 0xc09b);
        state.gdtBase = TABLES;
        state.gdtLimit = 15;
        state.idtBase = IDT;
        state.idtLimit = 0x7ff;
        state.general[3] = bar + 0x3000;
        state.general[4] = BUFFER;
        state.lapic[0xf0] = (byte) 0xff;
        state.lapic[0xf1] = 1;
        pc.vcpus().getFirst().writeState(state);
    }
}
