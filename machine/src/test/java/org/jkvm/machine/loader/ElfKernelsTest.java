package org.jkvm.machine.loader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.UserException;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.testkit.KernelImages;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** PVH and multiboot kernels. */
class ElfKernelsTest {
    private static final byte[] CODE = KernelImages.HALT_FOREVER;

    @TempDir
    private Path folder;

    private X86State load(byte[] image, BootRequest request) {
        try (ImageFile file = TestImages.open(folder, "kernel.elf", image)) {
            X86State state = new X86State();
            Kernel.detect(file).load(request).prepare(state);
            return state;
        }
    }

    private static String text(GuestMemory memory, long address) {
        StringBuilder b = new StringBuilder();
        for (long at = address; memory.readInt(at, 1) != 0; at++) {
            b.append((char) memory.readInt(at, 1));
        }
        return b.toString();
    }

    @Test
    void pvhIsEnteredAtItsNoteWithStartInfo() {
        ImageFile initrd = TestImages.open(folder, "initrd", new byte[] {1, 2, 3});
        BootRequest request = TestImages.request(16, "quiet", new BootRequest.Module(initrd, ""));
        X86State state = load(KernelImages.pvh(0xffff_ffff_8100_0000L, 0x20_0000, CODE), request);
        GuestMemory memory = request.memory();
        long info = state.general[3];
        assertThat(state.rip).isEqualTo(0x20_0000);
        assertThat(memory.readInt(0x20_0000, 1)).isEqualTo(0xf4);
        assertThat(memory.readInt(info, 4)).isEqualTo(0x336e_c578);
        assertThat(memory.readInt(info + 4, 4)).isEqualTo(1);
        assertThat(memory.readInt(info + 12, 4)).isEqualTo(1);
        long module = memory.readInt(info + 16, 8);
        assertThat(memory.readInt(memory.readInt(module, 8), 4)).isEqualTo(0x03_0201);
        assertThat(memory.readInt(module + 8, 8)).isEqualTo(3);
        assertThat(text(memory, memory.readInt(info + 24, 8))).isEqualTo("quiet");
        assertThat(memory.readInt(info + 32, 8)).isEqualTo(0xf_0000);
        assertThat(memory.readInt(memory.readInt(info + 40, 8) + 8, 8)).isEqualTo(0x9_fc00);
        assertThat(memory.readInt(info + 48, 4)).isEqualTo(4);
        initrd.close();
    }

    @Test
    void bssIsZeroedWhenLoadedAgain() {
        BootRequest request = TestImages.request(16, "");
        byte[] image = KernelImages.pvh(0x20_0000, 0x20_0000, CODE);
        load(image, request);
        request.memory().writeInt(0x20_1000, 8, -1);
        load(image, request);
        assertThat(request.memory().readInt(0x20_1000, 8)).isZero();
    }

    @Test
    void multibootElfIsEnteredWithItsInformation() {
        ImageFile module = TestImages.open(folder, "module", new byte[] {9});
        BootRequest request = TestImages.request(16, "a b", new BootRequest.Module(module, "module x"));
        byte[] code = KernelImages.join(KernelImages.multibootHeader(3), CODE);
        X86State state = load(KernelImages.elf32(0x10_0000, 0, code, 0x2000), request);
        GuestMemory memory = request.memory();
        long info = state.general[3];
        assertThat(state.general[0]).isEqualTo(0x2bad_b002);
        assertThat(state.rip).isEqualTo(0x10_0000);
        assertThat(memory.readInt(info, 4)).isEqualTo(0x24d);
        assertThat(memory.readInt(info + 4, 4)).isEqualTo(639);
        assertThat(memory.readInt(info + 8, 4)).isEqualTo(15 * 1024);
        assertThat(text(memory, memory.readInt(info + 16, 4))).endsWith("kernel.elf a b");
        long list = memory.readInt(info + 24, 4);
        assertThat(memory.readInt(list, 4)).isEqualTo(0x10_2000);
        assertThat(memory.readInt(list + 4, 4)).isEqualTo(0x10_2001);
        assertThat(text(memory, memory.readInt(list + 8, 4))).isEqualTo("module x");
        assertThat(memory.readInt(info + 44, 4)).isEqualTo(4 * 24);
        assertThat(memory.readInt(memory.readInt(info + 48, 4), 4)).isEqualTo(20);
        assertThat(text(memory, memory.readInt(info + 64, 4))).isEqualTo("jkvm");
        module.close();
    }

    @Test
    void multibootAddressFieldsPlaceTheFile() {
        int at = 0x20_0000;
        byte[] header = KernelImages.multibootHeader(0x1_0000, at, at, 0, at + 0x100, at + 32);
        byte[] image = KernelImages.join(header, new byte[] {7});
        BootRequest request = TestImages.request(16, "");
        X86State state = load(image, request);
        assertThat(state.rip).isEqualTo(at + 32);
        assertThat(request.memory().readInt(at, 4)).isEqualTo(0x1bad_b002);
        assertThat(request.memory().readInt(at + 32, 2)).isEqualTo(7);
    }

    @Test
    void refusals() {
        assertRefused(KernelImages.elf32(0x10_0000, 0, CODE, 0x2000), "is an ELF file that is no kernel");
        assertRefused(KernelImages.pvh(0, 0x7fff_ffff_ffff_f000L, CODE), "does not fit into memory");
        assertRefused(KernelImages.pvh(0, 0xa_0000, CODE), "does not fit into memory");
        assertRefused(KernelImages.multibootHeader(0x8), "requires unknown features");
        assertRefused(KernelImages.multibootHeader(0), "the file is not an x86 ELF file");
        assertRefused(KernelImages.multibootHeader(0x1_0000, 0x10_0000, 0x20_0000, 0, 0, 0), "contradict");
        assertRefused(KernelImages.multibootHeader(0x1_0000, 0x10_0000, 0x10_0000, 0x10_1000, 0, 0), "truncated");
        byte[] elf = KernelImages.elf32(0x10_0000, 0, KernelImages.join(KernelImages.multibootHeader(0), CODE), 0x2000);
        assertRefused(patched(elf, 18, 62), "is a 64-bit ELF file");
        assertRefused(patched(elf, 45, 2), "program headers are not usable");
        assertRefused(patched(elf, 29, 2), "truncated: the ELF program header table");
        assertRefused(patched(elf, 68, 0xff, 0xff, 0xff, 0x7f), "an ELF segment is larger in the file than in memory");
    }

    private void assertRefused(byte[] image, String message) {
        assertThatThrownBy(() -> load(image, TestImages.request(16, "")))
                .isInstanceOf(UserException.class).hasMessageContaining(message).hasMessageNotContaining("\n");
    }

    private static byte[] patched(byte[] image, int offset, int... values) {
        byte[] copy = image.clone();
        for (int i = 0; i < values.length; i++) {
            copy[offset + i] = (byte) values[i];
        }
        return copy;
    }
}
