package org.jkvm.app.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.jkvm.app.cli.Arguments;
import org.jkvm.app.monitor.MonitorMachine;
import org.jkvm.app.settings.CpuTopology;
import org.jkvm.app.settings.SettingsReader;
import org.jkvm.base.UserException;
import org.jkvm.hypervisor.Hypervisor;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Images;
import org.jkvm.testkit.FakeHypervisor;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A machine from its command line to its exit status, on vCPUs that execute nothing. */
@Timeout(60)
class SessionTest {
    @TempDir
    private Path folder;
    private Path kernel;

    @BeforeEach
    void writeKernel() throws IOException {
        kernel = folder.resolve("kernel");
        Files.write(kernel, multiboot());
    }

    @Test
    void theMonitorDrivesTheMachine() throws Exception {
        CompletableFuture<Integer> status = start("-name", "guest", "-pidfile", folder.resolve("pid").toString());
        try (SocketChannel monitor = connect()) {
            assertThat(ask(monitor, "cont\ninfo status\n", "VM status")).contains("VM status: running");
            assertThat(folder.resolve("pid")).hasContent(ProcessHandle.current().pid() + "\n");
            assertThat(ask(monitor, "stop\ninfo status\n", "VM status")).contains("VM status: paused");
            assertThat(ask(monitor, "cont\ninfo status\n", "VM status")).contains("VM status: running");
            assertThat(ask(monitor, "info name\n", "guest")).contains("guest");
            assertThat(ask(monitor, "info pci\n", "device   1, function 3")).contains("PCI device 8086:1237");
            assertThat(ask(monitor, "info mtree\n", "fw-cfg")).contains("fw-cfg");
            assertThat(ask(monitor, "info jit\n", "a second")).contains("instructions executed");
            assertThat(ask(monitor, "xp /1xw 0x100000\n", "0x1bad")).contains("0000000000100000: 0x1badb002");
            assertThat(ask(monitor, "info registers\n", "XMM07")).contains("EIP=00100020");
            send(monitor, "quit\n");
            assertThat(status.get()).isZero();
        }
        assertThat(folder.resolve("pid")).doesNotExist();
    }

    @Test
    void theMonitorChangesDisks() throws Exception {
        for (String name : List.of("a.qcow2", "b.qcow2")) {
            Images.create(folder.resolve(name), CreateOptions.of("qcow2", 4 << 20));
        }
        CompletableFuture<Integer> status = start("-drive", "id=d0,format=qcow2,throttling.iops-total=9,file="
                + folder.resolve("a.qcow2"));
        try (SocketChannel monitor = connect()) {
            assertThat(ask(monitor, "info block\n", "iops_size")).contains("d0: " + folder.resolve("a.qcow2") + " (qcow2)",
                    "Attached to:      d0", "iops=9");
            assertThat(tell(monitor, "block_resize d0 8M")).doesNotContain("Error");
            assertThat(tell(monitor, "snapshot_blkdev d0 " + folder.resolve("over.qcow2"))).doesNotContain("Error");
            assertThat(ask(monitor, "info block\n", "iops_size")).contains("over.qcow2 (qcow2)", "8388608 bytes",
                    "Backing file:     " + folder.resolve("a.qcow2"));
            assertThat(tell(monitor, "block_set_io_throttle d0 0 0 0 0 0 0")).doesNotContain("Error");
            assertThat(ask(monitor, "info blockstats\n", "idle_time_ns")).contains("d0: rd_bytes=0");
            assertThat(ask(monitor, "info block-jobs\n", "No active jobs")).contains("No active jobs");
            assertThat(tell(monitor, "block_job_cancel d0")).contains("Error: No active block job on device 'd0'");
            assertThat(tell(monitor, "block_resize none 8M")).contains("Error: there is no disk 'none'");
            assertThat(tell(monitor, "drive_add 0 if=none,id=d1,file=" + folder.resolve("b.qcow2"))).contains("OK");
            assertThat(tell(monitor, "device_add virtio-blk-pci,drive=d1,id=new,addr=9")).doesNotContain("Error");
            assertThat(ask(monitor, "info pci\n", "device   9")).contains("device   9, function 0");
            assertThat(tell(monitor, "device_add virtio-blk-pci,drive=d1")).contains("in use by device 'new'");
            assertThat(tell(monitor, "drive_del d1")).contains("device_del first");
            assertThat(tell(monitor, "device_del other")).contains("Error: Device 'other' not found");
            send(monitor, "quit\n");
            assertThat(status.get()).isZero();
        }
    }

    /** A command and its answer: the word "paused" or "running" of the next one ends it. */
    private static String tell(SocketChannel monitor, String command) throws IOException {
        return ask(monitor, command + "\ninfo status\n", "VM status");
    }

    @Test
    void aMachineMayBeStartedPaused() throws Exception {
        CompletableFuture<Integer> status = start("-S");
        try (SocketChannel monitor = connect()) {
            assertThat(ask(monitor, "info status\n", "VM status")).contains("VM status: paused (prelaunch)");
            send(monitor, "q\n");
            assertThat(status.get()).isZero();
        }
    }

    @Test
    void whatIsWrongIsSaidInOneLine() {
        Path none = folder.resolve("none");
        assertThatThrownBy(() -> run("-drive", "file=" + none)).isInstanceOf(UserException.class)
                .hasMessageStartingWith("-drive file=" + none + ": ").hasMessageContaining("no such file or directory");
        assertThatThrownBy(() -> run("-hda", folder.toString())).isInstanceOf(UserException.class)
                .hasMessageStartingWith("-hda " + folder + ": ");
        assertThatThrownBy(() -> run("-serial", "chardev:c")).hasMessage("-serial chardev:c: there is no -chardev 'c'");
        assertThatThrownBy(() -> run("-pidfile", none + "/pid"))
                .hasMessage("-pidfile " + none + "/pid: cannot create it: No such file or directory");
        assertThatThrownBy(() -> run("-chardev", "null,id=c", "-serial", "chardev:c", "-serial", "chardev:c"))
                .hasMessage("-serial chardev:c: character device 'c' is in use (mux=on shares it)");
        assertThatThrownBy(() -> run("-serial", "stdio", "-serial", "stdio"))
                .hasMessage("-serial stdio: cannot use stdio by multiple character devices");
    }

    private CompletableFuture<Integer> start(String... words) {
        String[] all = Stream.concat(Stream.of("-serial", "null", "-monitor", "unix:" + folder.resolve("m") + ",server,nowait"),
                Stream.of(words)).toArray(String[]::new);
        return CompletableFuture.supplyAsync(() -> run(all));
    }

    private int run(String... words) {
        String[] all = Stream.concat(Stream.of("-kernel", kernel.toString(), "-display", "none", "-m", "4"), Stream.of(words))
                .toArray(String[]::new);
        return new Session(SettingsReader.read(Arguments.parse(all)), new FakeBackend()).run();
    }

    /** The socket's file may be there before anybody listens. */
    private SocketChannel connect() throws InterruptedException {
        for (int i = 0; i < 1000; i++) {
            try {
                return SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve("m")));
            } catch (IOException e) {
                Thread.sleep(10);
            }
        }
        throw new AssertionError("nobody listens at " + folder.resolve("m"));
    }

    private static void send(SocketChannel monitor, String text) throws IOException {
        monitor.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1)));
    }

    /** Sends a line and reads until the answer holds {@code end} and the prompt comes again. */
    private static String ask(SocketChannel monitor, String line, String end) throws IOException {
        send(monitor, line);
        StringBuilder answer = new StringBuilder();
        ByteBuffer buffer = ByteBuffer.allocate(4096);
        while (answer.indexOf(end) < 0 || answer.indexOf("(kvm) ", answer.indexOf(end)) < 0) {
            assertThat(monitor.read(buffer.clear())).as("read after " + answer).isPositive();
            answer.append(new String(buffer.array(), 0, buffer.position(), StandardCharsets.ISO_8859_1));
        }
        return answer.toString();
    }

    /** A kernel of one header (Multiboot Specification 0.6.96, section 3.1), loaded at 1 MiB. */
    private static byte[] multiboot() {
        int magic = 0x1badb002;
        int flags = 1 << 16;
        int base = 0x100000;
        return ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN).putInt(magic).putInt(flags).putInt(-magic - flags)
                .putInt(base).putInt(base).putInt(base + 64).putInt(base + 64).putInt(base + 32).array();
    }

    /** vCPUs of the test kit, and a CPU that says nothing. */
    private static final class FakeBackend implements Backend {
        @Override
        public String choice() {
            return "";
        }

        @Override
        public Hypervisor hypervisor() {
            return new FakeHypervisor();
        }

        @Override
        public CpuModel cpu(String text, CpuTopology topology) {
            return new CpuModel(text, List.of());
        }

        @Override
        public String cpuHelp() {
            return "";
        }

        @Override
        public MonitorMachine.Disassembler disassembler() {
            return (_, _, _) -> new MonitorMachine.Disassembler.Instruction(1, "?");
        }
    }
}
