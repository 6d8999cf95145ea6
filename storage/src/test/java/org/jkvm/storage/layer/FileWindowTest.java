package org.jkvm.storage.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.jkvm.base.HostException;
import org.jkvm.linux.Errno;
import org.jkvm.linux.FileWindow;
import org.jkvm.linux.HostFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileWindowTest {
    private static final int SIZE = 300_000;

    @TempDir
    Path folder;

    private HostFile file(byte[] data) throws IOException {
        return HostFile.open(Files.write(folder.resolve("data"), data), HostFile.Access.READ_WRITE);
    }

    @Test
    void showsTheFileAtAnyOffset() throws IOException {
        byte[] data = new byte[SIZE];
        new Random(1).nextBytes(data);
        try (HostFile file = file(data)) {
            for (int offset : new int[] {0, 1, 4096, 65535, 65536, 200_001}) {
                FileWindow.prefetch(file, offset, 1000);
                try (FileWindow window = FileWindow.of(file, offset, SIZE - offset)) {
                    assertThat(window.segment().mismatch(MemorySegment.ofArray(data).asSlice(offset))).isEqualTo(-1);
                    assertThat(window.segment().isReadOnly()).isTrue();
                }
            }
        }
    }

    @Test
    void aFileCutShortIsAFailureAndNoCrash() throws IOException {
        try (HostFile file = file(new byte[SIZE]); FileWindow window = FileWindow.of(file, 0, SIZE)) {
            file.setSize(100);
            MemorySegment lost = window.segment().asSlice(SIZE - 8192);
            assertThat(window.segment().get(ValueLayout.JAVA_BYTE, 0)).isZero();
            assertThatThrownBy(() -> lost.get(ValueLayout.JAVA_LONG_UNALIGNED, 0)).isInstanceOf(InternalError.class);
            assertThatThrownBy(() -> MemorySegment.ofArray(new byte[8192]).copyFrom(lost)).isInstanceOf(InternalError.class);
            assertThat(catchThrowableOfType(HostException.class, () -> file.write(0, lost)).errno()).isEqualTo(Errno.EFAULT);
        }
    }
}
