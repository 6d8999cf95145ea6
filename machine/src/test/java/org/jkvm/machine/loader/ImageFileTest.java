package org.jkvm.machine.loader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jkvm.base.UserException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageFileTest {
    @TempDir
    private Path folder;

    @Test
    void whatIsNoFileIsRefusedByOptionAndPath() {
        assertThatThrownBy(() -> ImageFile.open("-kernel", folder)).isInstanceOf(UserException.class)
                .hasMessage("-kernel " + folder + ": is a directory, not a file");
        assertThatThrownBy(() -> ImageFile.open("-initrd", folder.resolve("x"))).isInstanceOf(UserException.class)
                .hasMessage("-initrd " + folder.resolve("x") + ": no such file");
        assertThatThrownBy(() -> ImageFile.open("-initrd", Path.of("/dev/zero"))).isInstanceOf(UserException.class)
                .hasMessage("-initrd /dev/zero: is not a regular file");
    }

    @Test
    void aFileThatIsDeletedCanStillBeRead() throws Exception {
        try (ImageFile file = TestImages.open(folder, "gone", new byte[] {1, 2, 3, 4})) {
            Files.delete(file.path());
            assertThat(file.bytes("it", 0, 4).getInt()).isEqualTo(0x0403_0201);
        }
    }

    @Test
    void readingPastTheEndIsRefused() {
        try (ImageFile file = TestImages.open(folder, "short", new byte[] {1, 2, 3, 4})) {
            assertThatThrownBy(() -> file.bytes("the table", 2, 4)).hasMessageContaining("truncated: the table");
            assertThatThrownBy(() -> file.bytes("the table", Long.MIN_VALUE, 4)).hasMessageContaining("truncated");
            assertThatThrownBy(() -> file.bytes("the table", Long.MAX_VALUE, 4)).hasMessageContaining("truncated");
        }
    }
}
