package org.jkvm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jkvm.base.backend.NoSpaceException;
import org.jkvm.linux.FileStatus;
import org.jkvm.linux.HostFile;
import org.jkvm.storage.layer.HostImageFile;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** How the host's ENOSPC reaches the guest's disk. */
class FullDiskTest {
    @Test
    void saysThatTheDiskIsFull() throws IOException {
        Path full = Path.of("/dev/full");
        Assumptions.assumeTrue(Files.isWritable(full), "no /dev/full here");
        FileStatus status = new FileStatus(FileStatus.Kind.REGULAR, 0, 0, 0, 0, 0, 0);
        try (HostImageFile file = new HostImageFile(HostFile.open(full, HostFile.Access.READ_WRITE), status,
                CacheMode.WRITEBACK, false)) {
            assertThatThrownBy(() -> file.write(0, MemorySegment.ofArray(new byte[512])))
                    .isInstanceOf(NoSpaceException.class).hasMessageContaining("ENOSPC").message().hasLineCount(1);
            assertThat(file.size()).isZero();
        }
    }
}
