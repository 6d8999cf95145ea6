package org.jkvm.app.guest;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.function.Function;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.jkvm.base.HostException;

/** Writes an archive's files and links below a folder, and nothing outside of it. */
final class TreeWriter {
    private final Path folder;
    private final Function<String, Optional<String>> place;

    /**
     * A writer.
     *
     * @param place the path below {@code folder} of an archive's path; empty where it is not wanted
     */
    TreeWriter(Path folder, Function<String, Optional<String>> place) {
        this.folder = folder;
        this.place = place;
    }

    /** An archive's path without its leading "./". */
    static String plain(String name) {
        return name.replaceFirst("^\\./", "");
    }

    /** Writes an entry where it is wanted; folders are made as files need them. */
    void write(TarArchiveEntry entry, InputStream content) throws IOException {
        Optional<String> path = entry.isDirectory() ? Optional.empty() : place.apply(plain(entry.getName()));
        if (path.isEmpty()) {
            return;
        }
        Path file = inside(path.get());
        Files.deleteIfExists(file);
        if (entry.isSymbolicLink()) {
            Files.createSymbolicLink(file, Path.of(entry.getLinkName()));
        } else if (entry.isLink()) {
            Path other = inside(place.apply(plain(entry.getLinkName())).orElseThrow());
            Files.copy(other, file, StandardCopyOption.COPY_ATTRIBUTES);
        } else if (entry.isFile()) {
            Files.copy(content, file);
            boolean program = (entry.getMode() & 0111) != 0;
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(program ? "rwxr-xr-x" : "rw-r--r--"));
        }
    }

    /** The file of a path, its folder made; links that were unpacked before lead nowhere else. */
    private Path inside(String path) throws IOException {
        Path file = folder.resolve(path).normalize();
        if (!file.startsWith(folder) || file.equals(folder)) {
            throw new HostException(path + ": leads out of " + folder);
        }
        Files.createDirectories(file.getParent());
        if (!file.getParent().toRealPath().startsWith(folder.toRealPath())) {
            throw new HostException(path + ": leads out of " + folder + " by a link");
        }
        return file;
    }
}
