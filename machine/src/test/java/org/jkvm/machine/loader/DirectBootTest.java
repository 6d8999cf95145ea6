package org.jkvm.machine.loader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jkvm.base.UserException;
import org.jkvm.machine.memory.RamLayout;
import org.jkvm.testkit.FakeMemory;
import org.jkvm.testkit.KernelImages;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectBootTest {
    @TempDir
    private Path folder;

    private Path file(String name, byte[] bytes) throws Exception {
        return Files.write(folder.resolve(name), bytes);
    }

    @Test
    void commasSeparateModulesAndAreDoubledInNames() {
        assertThat(DirectBoot.split("a b,c")).containsExactly("a b", "c");
        assertThat(DirectBoot.split("a,,b,c")).containsExactly("a,b", "c");
        assertThat(DirectBoot.split("a,,,b")).containsExactly("a,", "b");
        assertThat(DirectBoot.split("")).containsExactly("");
    }

    @Test
    void aLinuxInitrdsNameMayHoldSpacesAndCommas() throws Exception {
        Path kernel = file("kernel", KernelImages.bzImage(true, new byte[64]));
        String initrd = file("init rd,1", new byte[10]).toString();
        try (DirectBoot boot = DirectBoot.open(kernel, initrd, "")) {
            assertThat(boot.format()).isEqualTo("Linux bzImage, boot protocol 2.15");
            assertThat(boot.load(new FakeMemory(16 << 20), new RamLayout(16 << 20).memoryMap(), 0, true))
                    .isInstanceOf(BootEntry.Long64.class);
        }
    }

    @Test
    void multibootModulesAreAListWithArguments() throws Exception {
        byte[] image = KernelImages.elf32(0x10_0000, 0, KernelImages.multibootHeader(0), 0x1000);
        Path kernel = file("kernel", image);
        String one = file("one", new byte[10]).toString();
        String two = file("two", new byte[10]).toString();
        try (DirectBoot boot = DirectBoot.open(kernel, one + " x y," + two, "")) {
            assertThat(boot.load(new FakeMemory(16 << 20), new RamLayout(16 << 20).memoryMap(), 0, true))
                    .isInstanceOf(BootEntry.Protected32.class);
        }
    }

    @Test
    void missingFilesAreNamedWithTheirOption() throws Exception {
        Path kernel = file("kernel", KernelImages.bzImage(true, new byte[64]));
        Path missing = folder.resolve("missing");
        assertThatThrownBy(() -> DirectBoot.open(missing, "", "")).isInstanceOf(UserException.class)
                .hasMessage("-kernel " + missing + ": no such file");
        assertThatThrownBy(() -> DirectBoot.open(kernel, missing.toString(), "")).isInstanceOf(UserException.class)
                .hasMessage("-initrd " + missing + ": no such file");
        assertThatThrownBy(() -> DirectBoot.open(kernel, "\0", "")).isInstanceOf(UserException.class);
    }
}
