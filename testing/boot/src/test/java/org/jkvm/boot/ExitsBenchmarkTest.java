package org.jkvm.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jkvm.base.time.SystemClock;
import org.jkvm.hypervisor.Doorbell;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.MemorySlot;
import org.jkvm.hypervisor.PostedWrites;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86Vcpu;
import org.jkvm.kvm.KvmHypervisor;
import org.jkvm.linux.SharedMemory;
import org.jkvm.soft.SoftCpus;
import org.jkvm.testkit.KernelImages;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What leaving guest mode costs: a loop of port writes and one of writes to a physical address where there is nothing, exits a
 * second, under the kvm command on both engines, under QEMU on /dev/kvm, and on /dev/kvm through the backend alone. By turns, the
 * best of three. Prints what docs/benchmarks.md shows.
 */
@Tag("benchmark")
class ExitsBenchmarkTest {
    private static final int ROUNDS = 200_000;
    private static final int TURNS = 3;
    private static final int PORT_IS_OVER = 0x21;
    private static final int CODE = 0x1000;
    private static final double NANOS = 1e9;
    private static final PostedWrites NOBODY = new PostedWrites() {
        @Override
        public void port(int port, int size, long value) {
            // What is measured is how it comes here.
        }

        @Override
        public void mmio(long address, int size, long value) {
            // None is gathered.
        }
    };

    @TempDir
    private Path folder;

    /** A loop, and how it begins. */
    private enum Loop {
        /** mov dx, 80h; out dx, al; dec ecx; jnz out */
        PORT("66ba8000", "ee 49 75fc"),
        /** mov ebx, E0000000h; mov [ebx], eax; dec ecx; jnz mov */
        MMIO("bb000000e0", "8903 49 75fb");

        private final String before;
        private final String body;

        Loop(String before, String body) {
            this.before = before;
            this.body = body.replace(" ", "");
        }

        byte[] code(int rounds) {
            byte[] count = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(rounds).array();
            return HexFormat.of().parseHex("b9" + HexFormat.of().formatHex(count) + before + body // mov ecx, rounds
                    + "66ba0105b010ee"); // mov dx,501h; mov al,10h; out dx,al: ends with status 21h
        }
    }

    private interface Runner {
        double seconds(Loop loop, int rounds) throws Exception;
    }

    @Test
    void exitsASecond() throws Exception {
        assumeTrue(Files.isWritable(Path.of("/dev/kvm")), "this host has no /dev/kvm that can be opened");
        List<String> kvm = KvmCommand.with(List.of("-accel", "kvm")).command();
        List<String> soft = KvmCommand.with(List.of("-accel", "soft")).command();
        List<String> qemu = List.of(Guests.tool("qemu-system-x86_64").toString(), "-enable-kvm");
        for (Loop loop : Loop.values()) {
            double[] best = new double[4];
            for (int turn = 0; turn < TURNS; turn++) {
                best[0] = Math.max(best[0], rate(loop, (l, rounds) -> command(kvm, l, rounds)));
                best[1] = Math.max(best[1], rate(loop, (l, rounds) -> command(soft, l, rounds)));
                best[2] = Math.max(best[2], rate(loop, (l, rounds) -> command(qemu, l, rounds)));
                best[3] = Math.max(best[3], rate(loop, (l, rounds) -> backend(l, rounds, vm -> { })));
            }
            System.out.printf(Locale.ROOT, "%s writes a second: kvm -accel kvm %,.0f, -accel soft %,.0f, QEMU -enable-kvm %,.0f, "
                    + "/dev/kvm by our backend %,.0f; ratio to QEMU %.2f, %.2f, %.2f%n", loop, best[0], best[1], best[2], best[3],
                    best[0] / best[2], best[1] / best[2], best[3] / best[2]);
            assertThat(best[3]).as("exits a second through the backend").isGreaterThan(1000);
        }
    }

    /** Exits a second, without what starting and ending takes. */
    private static double rate(Loop loop, Runner runner) throws Exception {
        return (ROUNDS - 1) / Math.max(1e-6, runner.seconds(loop, ROUNDS) - runner.seconds(loop, 1));
    }

    private double command(List<String> program, Loop loop, int rounds) throws Exception {
        Path kernel = Files.write(folder.resolve("loop"), KernelImages.elf32(0x10_0000, 12,
                KernelImages.join(KernelImages.multibootHeader(0), loop.code(rounds)), 0x1000));
        List<String> words = new ArrayList<>(program);
        words.addAll(List.of("-nodefaults", "-display", "none", "-kernel", kernel.toString(),
                "-device", "isa-debug-exit,iobase=0x501,iosize=0x04"));
        long start = System.nanoTime();
        assertThat(new ProcessBuilder(words).start().waitFor()).isEqualTo(PORT_IS_OVER);
        return (System.nanoTime() - start) / NANOS;
    }

    /** The same loops without exits: port writes that the kernel gathers, and a doorbell. */
    @Test
    void withoutExits() throws Exception {
        assumeTrue(Files.isWritable(Path.of("/dev/kvm")), "this host has no /dev/kvm that can be opened");
        double[] best = new double[4];
        for (int turn = 0; turn < TURNS; turn++) {
            best[0] = Math.max(best[0], rate(Loop.PORT, (l, rounds) -> backend(l, rounds, vm -> { })));
            best[1] = Math.max(best[1], rate(Loop.PORT, (l, rounds) -> backend(l, rounds, vm -> vm.postPortWrites(0x80, 1))));
            best[2] = Math.max(best[2], rate(Loop.MMIO, (l, rounds) -> backend(l, rounds, vm -> { })));
            best[3] = Math.max(best[3], rate(Loop.MMIO, (l, rounds) -> backend(l, rounds, ExitsBenchmarkTest::doorbell)));
        }
        System.out.printf(Locale.ROOT, "/dev/kvm by our backend: port writes a second as exits %,.0f, gathered %,.0f (%.2f times), "
                + "MMIO writes as exits %,.0f, at a doorbell %,.0f (%.2f times)%n", best[0], best[1], best[1] / best[0], best[2],
                best[3], best[3] / best[2]);
        assertThat(best[1]).as("gathered writes a second").isGreaterThan(best[0]);
    }

    private static void doorbell(VirtualMachine vm) {
        assertThat(vm.doorbell(0xe000_0000L, 4, Doorbell::take)).isPresent();
    }

    /** The loop in 32-bit protected mode, each exit answered by nothing. */
    private static double backend(Loop loop, int rounds, Consumer<VirtualMachine> before) {
        KvmHypervisor hypervisor = new KvmHypervisor();
        try (SystemClock clock = new SystemClock(new ReentrantLock()); SharedMemory ram = SharedMemory.allocate("exits", 1 << 20);
                VirtualMachine vm = hypervisor.createVirtualMachine(new VmConfig(1, clock))) {
            byte[] code = loop.code(rounds);
            MemorySegment.copy(code, 0, ram.segment(), ValueLayout.JAVA_BYTE, CODE, code.length);
            vm.setMemorySlot(new MemorySlot(0, 0, ram.segment(), false, false));
            X86Vcpu vcpu = vm.createVcpu(0, SoftCpus.models().limitedTo(hypervisor.features()).parse("qemu64", 1, 1));
            X86State state = vcpu.readState();
            state.cr0 = 0x11; // PE, ET
            for (int n = 0; n < 6; n++) {
                state.segments[n] = new X86State.Segment(8, 0, -1, n == 1 ? 0xc09b : 0xc093);
            }
            state.rip = CODE;
            vcpu.writeState(state);
            before.accept(vm);
            long start = System.nanoTime();
            boolean over = false;
            while (!over) {
                over = isOver(vcpu.run(ExitAnswer.NONE));
                vm.deliverPosted(NOBODY);
            }
            return (System.nanoTime() - start) / NANOS;
        }
    }

    private static boolean isOver(VmExit exit) {
        return switch (exit) {
            case VmExit.PortWrite write -> write.port() == 0x501;
            case VmExit.MmioWrite _ -> false;
            default -> throw new AssertionError(exit);
        };
    }
}
