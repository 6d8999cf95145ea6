package org.jkvm.app.guest;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.function.Function;
import org.apache.commons.compress.archivers.ar.ArArchiveEntry;
import org.apache.commons.compress.archivers.ar.ArArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;
import org.apache.commons.compress.compressors.zstandard.ZstdCompressorInputStream;
import org.jkvm.base.HostException;

/** A Debian package (deb(5)): an ar archive whose member data.tar.* holds the files. */
final class DebFile {
    private DebFile() {
    }

    /**
     * Unpacks regular files.
     *
     * @param target where the file of the given path (without leading "./") goes; empty where it is not wanted
     */
    static void unpack(Path deb, Function<String, Optional<Path>> target) throws IOException {
        read(deb, (entry, content) -> writeFile(entry, content, target));
    }

    private interface Reader {
        void entry(TarArchiveEntry entry, InputStream content) throws IOException;
    }

    private static void read(Path deb, Reader reader) throws IOException {
        try (ArArchiveInputStream ar = new ArArchiveInputStream(new BufferedInputStream(Files.newInputStream(deb)))) {
            for (ArArchiveEntry member = ar.getNextEntry(); member != null; member = ar.getNextEntry()) {
                if (member.getName().startsWith("data.tar")) {
                    readTar(decompress(member.getName(), ar), reader);
                    return;
                }
            }
        }
        throw new HostException(deb + ": is no Debian package: it has no data.tar");
    }

    /**
     * Unpacks regular files and links, with their permissions, below {@code folder}.
     *
     * @param place the path below {@code folder} of the given path (without leading "./"); empty where it is not wanted
     */
    static void unpackTree(Path deb, Path folder, Function<String, Optional<String>> place) throws IOException {
        TreeWriter tree = new TreeWriter(folder, place);
        read(deb, tree::write);
    }

    private static InputStream decompress(String name, InputStream packed) throws IOException {
        InputStream in = new BufferedInputStream(packed, 1 << 16);
        return switch (name.substring("data.tar".length()).replace("/", "")) {
            case "" -> in;
            case ".xz" -> new XZCompressorInputStream(in);
            case ".gz" -> new GzipCompressorInputStream(in);
            case ".zst" -> new ZstdCompressorInputStream(in);
            default -> throw new HostException(name + ": compressed in a way that is not known here (xz, gz, zst)");
        };
    }

    private static void readTar(InputStream in, Reader reader) throws IOException {
        TarArchiveInputStream tar = new TarArchiveInputStream(new BufferedInputStream(in, 1 << 16));
        for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
            reader.entry(entry, tar);
        }
    }

    private static void writeFile(TarArchiveEntry entry, InputStream content, Function<String, Optional<Path>> target)
            throws IOException {
        Optional<Path> file = entry.isFile() ? target.apply(TreeWriter.plain(entry.getName())) : Optional.empty();
        if (file.isPresent()) {
            Files.createDirectories(file.get().getParent());
            Files.copy(content, file.get(), StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
