package org.jkvm.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.jkvm.app.demo.GuestConsole;
import org.jkvm.app.guest.LinuxGuest;
import org.jkvm.testkit.KernelImages;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The same guests under the kvm command and under QEMU's software engine, one after the other in one run; prints what
 * docs/benchmarks.md shows. Processor time is given beside wall time, as the machine may be busy with something else.
 */
@Tag("benchmark")
class BenchmarkTest {
    private static final int ROUNDS = 100_000_000;
    private static final int INSTRUCTIONS_A_ROUND = 6;
    private static final int PORT_IS_OVER = 0x21;

    @TempDir
    private Path folder;

    private record Cost(double wall, double processor) {
        Cost minus(Cost other) {
            return new Cost(wall - other.wall, processor - other.processor);
        }
    }

    private static List<String> kvm() {
        return KvmCommand.with(List.of()).command();
    }

    private static List<String> qemu() {
        return List.of(Guests.tool("qemu-system-x86_64").toString(), "-accel", "tcg");
    }

    private static double seconds(Duration time) {
        return time.toNanos() / 1e9;
    }

    private static void print(String what, Cost kvm, Cost qemu) {
        System.out.printf(Locale.ROOT, "%-32s kvm %5.1f s (processor %5.1f s)  QEMU %5.1f s (%5.1f s) ratio %4.1f (%4.1f)%n",
                what, kvm.wall, kvm.processor, qemu.wall, qemu.processor, kvm.wall / qemu.wall,
                kvm.processor / qemu.processor);
    }

    @Test
    void fromTheCommandToTheFirstProcess() throws Exception {
        LinuxGuest guest = Guests.debian("amd64", "linux-image-cloud-amd64");
        Path initrd = Guests.initrd(guest, folder, "report.sh");
        Path elf = VmLinux.extract(guest.kernel(), folder.resolve("vmlinux"));
        print("bzImage to the first process", boot(kvm(), guest.kernel(), initrd), boot(qemu(), guest.kernel(), initrd));
        print("ELF by PVH to the first process", boot(kvm(), elf, initrd), boot(qemu(), elf, initrd));
    }

    private static Cost boot(List<String> program, Path kernel, Path initrd) throws Exception {
        List<String> words = KvmCommand.words(program, "-nodefaults", "-display", "none", "-serial", "stdio", "-m", "256",
                "-kernel", kernel.toString(), "-initrd", initrd.toString(), "-append", "console=ttyS0");
        long start = System.nanoTime();
        try (GuestConsole console = new GuestConsole(new ProcessBuilder(words), null)) {
            console.await("==== cpuinfo", Boot.LIMIT);
            return new Cost((System.nanoTime() - start) / 1e9, seconds(console.processorTime()));
        }
    }

    @Test
    void integerLoop() throws Exception {
        Cost kvm = loop(kvm(), ROUNDS).minus(loop(kvm(), 1));
        Cost qemu = loop(qemu(), ROUNDS).minus(loop(qemu(), 1));
        print("600 million instructions, a loop", kvm, qemu);
        double millions = ROUNDS / 1e6 * INSTRUCTIONS_A_ROUND;
        System.out.printf(Locale.ROOT, "million instructions a second    kvm %.0f (processor time %.0f)  QEMU %.0f (%.0f)%n",
                millions / kvm.wall, millions / kvm.processor, millions / qemu.wall, millions / qemu.processor);
        assertThat(millions / kvm.processor).as("million instructions a second of processor time").isGreaterThan(50);
    }

    private Cost loop(List<String> program, int rounds) throws Exception {
        Path kernel = Files.write(folder.resolve("loop"), loopKernel(rounds));
        List<String> words = new ArrayList<>(program);
        words.addAll(List.of("-nodefaults", "-display", "none", "-kernel", kernel.toString(),
                "-device", "isa-debug-exit,iobase=0x501,iosize=0x04"));
        long start = System.nanoTime();
        Process process = new ProcessBuilder(words).start();
        Duration processor = Duration.ZERO;
        while (!process.waitFor(10, TimeUnit.MILLISECONDS)) {
            processor = process.info().totalCpuDuration().orElse(processor);
        }
        assertThat(process.exitValue()).isEqualTo(PORT_IS_OVER);
        return new Cost((System.nanoTime() - start) / 1e9, seconds(processor));
    }

    private static byte[] loopKernel(int rounds) {
        byte[] count = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(rounds).array();
        byte[] code = HexFormat.of().parseHex(("b9" + HexFormat.of().formatHex(count) // mov ecx,rounds
                + "01c8"                  // add eax,ecx
                + "31c2"                  // xor edx,eax
                + "c1c205"                // rol edx,5
                + "8d1c13"                // lea ebx,[ebx+edx]
                + "49"                    // dec ecx
                + "75f3"                  // jnz add
                + "66ba0105b010ee"));     // mov dx,501h; mov al,10h; out dx,al: ends with status 21h
        return KernelImages.elf32(0x10_0000, 12, KernelImages.join(KernelImages.multibootHeader(0), code), 0x1000);
    }
}
