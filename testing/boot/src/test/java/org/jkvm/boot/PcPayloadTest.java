package org.jkvm.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.machine.loader.DirectBoot;
import org.jkvm.machine.pc.DebugDevice;
import org.jkvm.machine.pc.GuestRam;
import org.jkvm.machine.pc.Pc;
import org.jkvm.machine.pc.PcConfig;
import org.jkvm.machine.run.Cause;
import org.jkvm.machine.run.LifePolicy;
import org.jkvm.machine.run.MachineEvent;
import org.jkvm.soft.SoftHypervisor;
import org.jkvm.testkit.KernelImages;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Small kernels in every format on the PC and the software backend, from their first instruction to the exit port. */
@Timeout(60)
class PcPayloadTest {
    private static final int LOAD_ADDRESS = 0x10_0000;
    private static final int HEADER = 12;
    private static final CpuModel CPU = new CpuModel("payload", List.of(new CpuModel.Leaf(0, -1, 1, 0, 0, 0),
            new CpuModel.Leaf(1, -1, 0, 0, 0, 0x178b_fbff), new CpuModel.Leaf(0x8000_0000, -1, 0x8000_0001, 0, 0, 0),
            new CpuModel.Leaf(0x8000_0001, -1, 0, 0, 0, 0x2010_0800)));
    /** mov dx,501h; mov al,10h; out dx,al: ends the machine with status 21h. */
    private static final String EXIT = "66ba0105 b010 ee";
    /** mov dx,501h; mov al,3fh; out dx,al: ends the machine with status 7fh. */
    private static final String FAIL = "66ba0105 b03f ee";

    @TempDir
    private Path folder;

    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
    private final BlockingQueue<MachineEvent> events = new LinkedBlockingQueue<>();
    private Pc pc;

    private final CharacterBackend console = new CharacterBackend() {
        @Override
        public void write(byte[] bytes, int offset, int length) {
            printed.write(bytes, offset, length);
        }

        @Override
        public void connect(Receiver receiver) {
        }

        @Override
        public void close() {
        }
    };

    private Pc start(byte[] kernel, String commandLine, boolean reboot) throws Exception {
        Path file = Files.write(folder.resolve("kernel"), kernel);
        pc = new Pc(new PcConfig("payload", GuestRam.of(16 << 20), 1, CPU, DirectBoot.open(file, "", commandLine), List.of(console),
                List.of(), List.of(DebugDevice.Exit.DEFAULTS, new DebugDevice.Console(0xe9, console)),
                InstantSource.system(), new LifePolicy(reboot, true, folder)), new SoftHypervisor());
        pc.machine().listen(events::add);
        pc.machine().start(false);
        return pc;
    }

    private int run(byte[] kernel, String commandLine) throws Exception {
        return start(kernel, commandLine, false).machine().awaitExit();
    }

    @AfterEach
    void close() {
        pc.close();
    }

    private static byte[] code(String... hex) {
        return HexFormat.of().parseHex(String.join("", hex).replace(" ", ""));
    }

    private static byte[] multiboot(String... hex) {
        byte[] image = KernelImages.join(KernelImages.multibootHeader(0), code(hex));
        return KernelImages.elf32(LOAD_ADDRESS, HEADER, image, 0x1000);
    }

    private String printed() {
        return printed.toString(StandardCharsets.US_ASCII);
    }

    private MachineEvent.Reset awaitReset() throws InterruptedException {
        for (MachineEvent e = events.poll(30, TimeUnit.SECONDS); e != null; e = events.poll(30, TimeUnit.SECONDS)) {
            if (e instanceof MachineEvent.Reset reset) {
                return reset;
            }
        }
        throw new AssertionError("no reset");
    }

    @Test
    void aMultibootKernelFindsItsInformation() throws Exception {
        assertThat(run(multiboot(
                "3d 02b0ad2b",            // cmp eax,2badb002h
                "75 0e",                  // jne fail
                "8b4340",                 // mov eax,[ebx+64]      boot_loader_name
                "8a00",                   // mov al,[eax]
                "e6e9",                   // out e9h,al
                EXIT,
                FAIL), "")).isEqualTo(0x21);
        assertThat(printed()).isEqualTo("j");
    }

    @Test
    void aPvhKernelFindsItsCommandLine() throws Exception {
        assertThat(run(KernelImages.pvh(0xffff_ffff_8020_0000L, 0x20_0000, code(
                "813b 78c56e33",          // cmp dword [ebx],336ec578h
                "75 0e",                  // jne fail
                "8b4318",                 // mov eax,[ebx+24]      cmdline_paddr
                "8a00",                   // mov al,[eax]
                "e6e9",                   // out e9h,al
                EXIT,
                FAIL)), "pvh")).isEqualTo(0x21);
        assertThat(printed()).isEqualTo("p");
    }

    @Test
    void aLinuxKernelIsEnteredIn64BitMode() throws Exception {
        byte[] entry = code(
                "8b9e 28020000",                  // mov ebx,[rsi+228h]   cmd_line_ptr
                "8a03", "e6e9",                   // mov al,[rbx]; out e9h,al
                "48b8 000000004c000000",          // mov rax,4c00000000h
                "48c1e820", "e6e9",               // shr rax,32; out e9h,al
                EXIT);
        assertThat(run(KernelImages.bzImage(true, KernelImages.join(new byte[0x200], entry)), "linux")).isEqualTo(0x21);
        assertThat(printed()).isEqualTo("lL");
    }

    @Test
    void anI386KernelIsEnteredIn32BitMode() throws Exception {
        assertThat(run(KernelImages.bzImage(false, code(
                "8b9e 28020000",                  // mov ebx,[esi+228h]   cmd_line_ptr
                "8a03", "e6e9",                   // mov al,[ebx]; out e9h,al
                "b04b", "48", "e6e9",             // mov al,'K'; dec eax; out e9h,al
                EXIT)), "linux")).isEqualTo(0x21);
        assertThat(printed()).isEqualTo("lJ");
    }

    @Test
    void repeatedStringPortsReachTheDevices() throws Exception {
        assertThat(run(multiboot(
                "66ba1005", "6631c0", "66ef",     // mov dx,510h; xor ax,ax; out dx,ax    fw_cfg: signature
                "66ba1105",                       // mov dx,511h
                "bf 00002000", "b9 04000000",     // mov edi,200000h; mov ecx,4
                "fc", "f36c",                     // cld; rep insb
                "be 00002000", "b9 04000000",     // mov esi,200000h; mov ecx,4
                "66bae900", "f36e",               // mov dx,e9h; rep outsb
                EXIT), "")).isEqualTo(0x21);
        assertThat(printed()).isEqualTo("QEMU");
    }

    @Test
    void theSerialPortPrints() throws Exception {
        assertThat(run(multiboot(
                "66bafb03", "b003", "ee",         // mov dx,3fbh; mov al,3; out dx,al      LCR: 8 bits
                "66baf803", "b068", "ee",         // mov dx,3f8h; mov al,'h'; out dx,al
                "b069", "ee",                     // mov al,'i'; out dx,al
                EXIT), "")).isEqualTo(0x21);
        assertThat(printed()).isEqualTo("hi");
    }

    @Test
    void acpiPowersOff() throws Exception {
        assertThat(run(multiboot(
                "66ba0406", "66b80020", "66ef",   // mov dx,604h; mov ax,2000h; out dx,ax  SLP_EN, SLP_TYP 0
                FAIL), "")).isZero();
        assertThat(events).contains(new MachineEvent.Shutdown(Cause.GUEST_SHUTDOWN, ""));
    }

    @Test
    void nothingIsExecutedBehindAReset() throws Exception {
        start(multiboot(
                "b072", "e6e9",                   // mov al,'r'; out e9h,al
                "66baf90c", "b006", "ee",         // mov dx,cf9h; mov al,6; out dx,al
                FAIL), "", true);
        assertThat(awaitReset().cause()).isEqualTo(Cause.GUEST_RESET);
        assertThat(awaitReset().cause()).isEqualTo(Cause.GUEST_RESET);
        pc.close();
        assertThat(printed()).matches("rr+");
    }

    @Test
    void aTripleFaultShowsItsRegisters() throws Exception {
        assertThat(run(multiboot(
                "b8 efbeadde",                    // mov eax,deadbeefh
                "0f0b"), "")).isZero();           // ud2, with an IDT that holds nothing
        MachineEvent.Shutdown shutdown = events.stream().filter(MachineEvent.Shutdown.class::isInstance)
                .map(MachineEvent.Shutdown.class::cast).findFirst().orElseThrow();
        assertThat(shutdown.cause()).isEqualTo(Cause.TRIPLE_FAULT);
        assertThat(shutdown.detail()).contains("RAX=00000000deadbeef").contains("RIP=0000000000100011");
    }

    @Test
    void aHaltedProcessorIsStoppedAndResetFromOutside() throws Exception {
        start(multiboot("f4", "ebfd"), "", true); // hlt; jmp .-1
        pc.machine().stop();
        long time = pc.clock().nanos();
        pc.machine().reset();
        assertThat(pc.clock().nanos()).as("time stands still").isEqualTo(time);
        assertThat(pc.vcpus().getFirst().readState().rip).isEqualTo(LOAD_ADDRESS + HEADER);
        pc.machine().resume();
    }
}
