package org.jkvm.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.jkvm.boot.KvmCommand.Outcome;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.jkvm.testkit.KernelImages;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the command says of what is wrong: one line that names it, the right exit status, never a stack trace. */
class BadInputTest {
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final int LOAD_ADDRESS = 0x10_0000;
    private static final int HEADER = 12;
    /** mov al,'k'; out e9h,al; mov eax,deadbeefh; ud2: with an IDT that holds nothing. */
    private static final String TRIPLE_FAULT = "b06b e6e9 b8efbeadde 0f0b";

    @TempDir
    private Path folder;

    @BeforeEach
    void files() throws Exception {
        Files.createDirectory(folder.resolve("folder"));
        Files.write(folder.resolve("kernel"), multiboot(TRIPLE_FAULT));
        byte[] linux = KernelImages.bzImage(true, new byte[4096]);
        Files.write(folder.resolve("linux"), linux);
        Files.write(folder.resolve("truncated"), Arrays.copyOf(linux, 3000));
        Files.writeString(folder.resolve("text"), "no kernel at all\n".repeat(100));
        Images.create(folder.resolve("disk.qcow2"), CreateOptions.of("qcow2", 1 << 20));
        byte[] header = Files.readAllBytes(folder.resolve("disk.qcow2"));
        header[23] = 64;
        Files.write(folder.resolve("corrupt.qcow2"), header);
    }

    private static byte[] multiboot(String hex) {
        byte[] code = HexFormat.of().parseHex(hex.replace(" ", ""));
        return KernelImages.elf32(LOAD_ADDRESS, HEADER, KernelImages.join(KernelImages.multibootHeader(0), code), 0x1000);
    }

    private Outcome kvm(String words) throws Exception {
        List<String> all = new ArrayList<>(List.of("-nodefaults", "-display", "none"));
        all.addAll(List.of(words.split(" ")));
        return KvmCommand.run(folder, LIMIT, all);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            -kernel nowhere                                                | 1 | -kernel nowhere: no such file
            -kernel linux -initrd nowhere                                  | 1 | -initrd nowhere: no such file
            -kernel folder                                                 | 1 | -kernel folder: is a directory
            -kernel truncated                                              | 1 | -kernel truncated: truncated
            -kernel text                                                   | 1 | -kernel text: is not a kernel
            -kernel linux -drive file=folder,format=raw,if=virtio          | 1 | 'folder': EISDIR (is a directory)
            -kernel linux -drive file=nowhere,format=raw,if=virtio         | 1 | 'nowhere': ENOENT
            -kernel linux -drive file=corrupt.qcow2,format=qcow2,if=virtio | 1 | corrupt qcow2 header: cluster_bits is 64
            -kernel linux -m 1M                                            | 1 | does not fit into memory
            -kernal linux                                                  | 2 | invalid option; did you mean -kernel?
            -kernel linux -device virtio-rng-pci,colour=red                | 2 | no property 'colour'
            -kernel linux -device virtio-rmg-pci                           | 1 | did you mean 'virtio-rng-pci'?
            -kernel linux -cpu 8087                                        | 1 | unable to find CPU model '8087'
            """)
    void isToldInOneLine(String words, int status, String message) throws Exception {
        Outcome outcome = kvm(words);
        assertThat(outcome.message()).startsWith("kvm: ").contains(message);
        assertThat(outcome.err().lines().filter(line -> line.startsWith("\tat ") || line.startsWith("kvm: "))).hasSize(1);
        assertThat(outcome.status()).isEqualTo(status);
    }

    @ParameterizedTest
    @ValueSource(strings = {"r--r--r--", "---------"})
    void anImageThatMayNotBeWrittenIsNotOpened(String permissions) throws Exception {
        Path disk = folder.resolve("disk.qcow2");
        Files.setPosixFilePermissions(disk, PosixFilePermissions.fromString(permissions));
        Assumptions.assumeFalse(Files.isWritable(disk), "root may write every file");
        isToldInOneLine("-kernel kernel -drive file=disk.qcow2,format=qcow2,if=virtio", 1,
                "cannot open image 'disk.qcow2': EACCES (permission denied)");
    }

    @Test
    void anImageThatIsInUseIsLeftAlone() throws Exception {
        try (Image _ = Images.open(folder.resolve("disk.qcow2"), OpenOptions.defaults())) {
            Outcome outcome = kvm("-kernel kernel -drive file=disk.qcow2,format=qcow2,if=virtio");
            assertThat(outcome.message()).contains("image 'disk.qcow2' is in use");
            assertThat(outcome.status()).isEqualTo(1);
        }
    }

    @Test
    void aTripleFaultResets() throws Exception {
        List<String> words = List.of("-nodefaults", "-display", "none", "-kernel", "kernel",
                "-chardev", "file,id=log,path=log", "-device", "isa-debugcon,iobase=0xe9,chardev=log");
        Process process = KvmCommand.with(words).directory(folder.toFile()).start();
        try {
            awaitText(folder.resolve("log"), "kkk");
        } finally {
            process.destroyForcibly();
        }
    }

    private static void awaitText(Path file, String text) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!Files.exists(file) || !Files.readString(file).startsWith(text)) {
            assertThat(System.nanoTime()).as("no '" + text + "' in time").isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    @Test
    void aTripleFaultThatMustNotResetShowsTheRegisters() throws Exception {
        Outcome outcome = kvm("-kernel kernel -no-reboot");
        assertThat(outcome.status()).isZero();
        assertThat(outcome.err()).contains("kvm: triple fault").contains("RAX=00000000deadbeef").contains("CR0=")
                .doesNotContain("\tat ");
    }
}
