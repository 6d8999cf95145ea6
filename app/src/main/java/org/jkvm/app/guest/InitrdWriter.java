package org.jkvm.app.guest;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.cpio.CpioArchiveEntry;
import org.apache.commons.compress.archivers.cpio.CpioArchiveOutputStream;
import org.apache.commons.compress.archivers.cpio.CpioConstants;

/**
 * Writes an initial RAM file system: a "newc" cpio archive (Linux Documentation/driver-api/early-userspace/
 * buffer-format.rst). Not compressed: unpacking would be the guest's work. The file appears under its name only when it is
 * complete.
 */
final class InitrdWriter implements AutoCloseable {
    private final Path target;
    private final Path partial;
    private final CpioArchiveOutputStream archive;
    private long inode = 1;

    InitrdWriter(Path target) throws IOException {
        this.target = target;
        Files.createDirectories(target.toAbsolutePath().getParent());
        partial = target.resolveSibling(target.getFileName() + ".partial");
        archive = new CpioArchiveOutputStream(new BufferedOutputStream(Files.newOutputStream(partial)),
                CpioConstants.FORMAT_NEW);
    }

    /** Adds a folder. */
    InitrdWriter folder(String path) throws IOException {
        begin(path, CpioConstants.C_ISDIR | 0755, 0);
        archive.closeArchiveEntry();
        return this;
    }

    /** Adds a file that may be executed. */
    InitrdWriter file(String path, byte[] content) throws IOException {
        begin(path, CpioConstants.C_ISREG | 0755, content.length);
        archive.write(content);
        archive.closeArchiveEntry();
        return this;
    }

    /** Adds a script. */
    InitrdWriter script(String path, String text) throws IOException {
        return file(path, text.getBytes(StandardCharsets.UTF_8));
    }

    /** Adds a symbolic link. */
    InitrdWriter link(String path, String to) throws IOException {
        byte[] content = to.getBytes(StandardCharsets.UTF_8);
        begin(path, CpioConstants.C_ISLNK | 0777, content.length);
        archive.write(content);
        archive.closeArchiveEntry();
        return this;
    }

    /** Adds all that is below a folder of the host's, at the archive's root. */
    InitrdWriter tree(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path file : all.filter(f -> !f.equals(folder)).sorted().toList()) {
                copy(file, folder.relativize(file).toString());
            }
        }
        return this;
    }

    private void copy(Path file, String path) throws IOException {
        if (Files.isSymbolicLink(file)) {
            link(path, Files.readSymbolicLink(file).toString());
        } else if (Files.isDirectory(file)) {
            folder(path);
        } else {
            file(path, Files.readAllBytes(file));
        }
    }

    /** Adds a character device. */
    InitrdWriter device(String path, int major, int minor) throws IOException {
        CpioArchiveEntry entry = entry(path, CpioConstants.C_ISCHR | 0600, 0);
        entry.setRemoteDeviceMaj(major);
        entry.setRemoteDeviceMin(minor);
        archive.putArchiveEntry(entry);
        archive.closeArchiveEntry();
        return this;
    }

    private void begin(String path, long mode, long size) throws IOException {
        archive.putArchiveEntry(entry(path, mode, size));
    }

    private CpioArchiveEntry entry(String path, long mode, long size) {
        CpioArchiveEntry entry = new CpioArchiveEntry(CpioConstants.FORMAT_NEW, path, size);
        entry.setMode(mode);
        entry.setInode(inode++);
        entry.setNumberOfLinks(1);
        return entry;
    }

    /** Ends the archive. */
    @Override
    public void close() throws IOException {
        archive.close();
        Files.move(partial, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }
}
