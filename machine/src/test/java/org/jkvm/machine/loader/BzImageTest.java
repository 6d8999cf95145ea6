package org.jkvm.machine.loader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.Arrays;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.UserException;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.testkit.KernelImages;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BzImageTest {
    private static final byte[] CODE = Arrays.copyOf(KernelImages.HALT_FOREVER, 0x400);

    @TempDir
    private Path folder;

    private BootEntry load(byte[] image, BootRequest request) {
        try (ImageFile file = TestImages.open(folder, "bzImage", image)) {
            return Kernel.detect(file).load(request);
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
    void a64BitKernelIsEnteredAt200hWithPagingOn() {
        BootRequest request = TestImages.request(16, "console=ttyS0");
        BootEntry entry = load(KernelImages.bzImage(true, CODE), request);
        X86State state = new X86State();
        entry.prepare(state);
        GuestMemory memory = request.memory();
        assertThat(state.rip).isEqualTo(0x10_0200);
        assertThat(state.cr0 & 0x8000_0001L).isEqualTo(0x8000_0001L);
        assertThat(state.msrs.get(0xc000_0080)).isEqualTo(0x500);
        assertThat(state.segments[1].access()).isEqualTo(0xa09b);
        assertThat(memory.readInt(state.gdtBase + 0x10, 8)).isEqualTo(0x00af_9b00_0000_ffffL);
        long directory = memory.readInt(memory.readInt(state.cr3, 8) & -4096, 8) & -4096;
        assertThat(memory.readInt(directory + 8, 8)).isEqualTo(0x20_0083);
        long params = state.general[6];
        assertThat(text(memory, memory.readInt(params + 0x228, 4))).isEqualTo("console=ttyS0");
        assertThat(memory.readInt(params + 0x070, 8)).isEqualTo(0xf_0000);
        assertThat(memory.readInt(params + 0x210, 1)).isEqualTo(0xff);
    }

    @Test
    void theZeroPageHoldsTheMemoryMap() {
        BootRequest request = TestImages.request(16, "");
        X86State state = new X86State();
        load(KernelImages.bzImage(true, CODE), request).prepare(state);
        GuestMemory memory = request.memory();
        long params = state.general[6];
        assertThat(memory.readInt(params + 0x1e8, 1)).isEqualTo(4);
        assertThat(memory.readInt(params + 0x2d0 + 3 * 20, 8)).isEqualTo(0x10_0000);
        assertThat(memory.readInt(params + 0x2d0 + 3 * 20 + 8, 8)).isEqualTo(0xf0_0000);
        assertThat(memory.readInt(params + 0x2d0 + 3 * 20 + 16, 4)).isEqualTo(1);
        assertThat(memory.readInt(params + 0x1ef, 1)).as("sentinel").isZero();
    }

    @Test
    void a32BitKernelIsEnteredFlatWithPagingOff() {
        X86State state = new X86State();
        load(KernelImages.bzImage(false, CODE), TestImages.request(16, "")).prepare(state);
        assertThat(state.rip).isEqualTo(0x10_0000);
        assertThat(state.cr0).isEqualTo(0x11);
        assertThat(state.segments[1]).isEqualTo(new X86State.Segment(0x10, 0, -1, 0xc09b));
        assertThat(state.segments[3]).isEqualTo(new X86State.Segment(0x18, 0, -1, 0xc093));
    }

    @Test
    void a64BitKernelOnA32BitProcessorIsEnteredIn32Bit() {
        BootRequest r = TestImages.request(16, "");
        BootRequest narrow = new BootRequest(r.memory(), r.map(), "", r.modules(), 0, false);
        assertThat(load(KernelImages.bzImage(true, CODE), narrow)).isInstanceOf(BootEntry.Protected32.class);
    }

    @Test
    void theInitrdGoesOnTop() {
        ImageFile initrd = TestImages.open(folder, "initrd", new byte[5000]);
        BootRequest request = TestImages.request(16, "", new BootRequest.Module(initrd, "initrd"));
        X86State state = new X86State();
        load(KernelImages.bzImage(true, CODE), request).prepare(state);
        assertThat(request.memory().readInt(state.general[6] + 0x218, 4)).isEqualTo(0x100_0000 - 0x2000);
        assertThat(request.memory().readInt(state.general[6] + 0x21c, 4)).isEqualTo(5000);
        initrd.close();
    }

    @Test
    void anInitrdThatDoesNotFitIsRefused() throws Exception {
        ImageFile initrd = TestImages.open(folder, "initrd", new byte[0]);
        try (RandomAccessFile sparse = new RandomAccessFile(initrd.path().toFile(), "rw")) {
            sparse.setLength(5L << 30);
        }
        assertThatThrownBy(() -> load(TestImages.request(16, "", new BootRequest.Module(initrd, ""))))
                .isInstanceOf(UserException.class).hasMessageContaining("initrd " + initrd.path() + " does not fit");
        initrd.close();
    }

    private void load(BootRequest request) {
        load(KernelImages.bzImage(true, CODE), request);
    }

    @Test
    void refusals() {
        byte[] image = KernelImages.bzImage(true, CODE);
        assertRefused(Arrays.copyOf(image, 1300), 16, "", "truncated: the protected-mode kernel");
        assertRefused(Arrays.copyOf(image, 700), 16, "", "truncated: the protected-mode kernel");
        assertRefused(image, 1, "", "does not fit into memory");
        assertRefused(image, 16, "x".repeat(256), "-append: has 256 bytes, and this kernel takes at most 255");
        assertRefused(patched(image, 0x207, 1), 16, "", "protocol 1.15 is too old");
        assertRefused(patched(image, 0x211, 0), 16, "", "is a zImage");
        assertRefused(patched(image, 0x216, 0), 16, "", "needs a BIOS (code32_start is 0h)");
        assertRefused(patched(image, 0x25f, 0x80), 16, "", "pref_address");
        assertRefused(patched(image, 0x202, 0), 16, "", "is not a kernel");
        assertRefused(new byte[0], 16, "", "is empty");
    }

    private void assertRefused(byte[] image, int mib, String commandLine, String message) {
        assertThatThrownBy(() -> load(image, TestImages.request(mib, commandLine)))
                .isInstanceOf(UserException.class).hasMessageContaining(message).hasMessageNotContaining("\n");
    }

    private static byte[] patched(byte[] image, int offset, int value) {
        byte[] copy = image.clone();
        copy[offset] = (byte) value;
        return copy;
    }
}
