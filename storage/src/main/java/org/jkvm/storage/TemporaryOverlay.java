package org.jkvm.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jkvm.storage.layer.Layer;
import org.jkvm.storage.qcow2.Qcow2Layer;

/** Makes overlays that nobody will ever find again: their files lose their names as soon as they are open. */
final class TemporaryOverlay {
    private static final Path ROOMY = Path.of("/var/tmp");

    private TemporaryOverlay() {
    }

    /** An overlay, whose header names no backing file, attached to {@code base}; {@code opener} opened that. */
    static Layer over(Layer base, ChainOpener opener, OpenOptions options) throws IOException {
        Path file = Files.createTempFile(folder(), "jkvm-", ".qcow2");
        try {
            Images.create(file, CreateOptions.of("qcow2", base.size()), CacheMode.UNSAFE);
            Qcow2Layer top = (Qcow2Layer) opener.open(file, options.withFormat("qcow2").withCache(CacheMode.UNSAFE));
            top.attach(base);
            return top;
        } finally {
            Files.delete(file);
        }
    }

    private static Path folder() {
        String named = System.getenv("TMPDIR");
        Path folder = named == null || named.isEmpty() ? ROOMY : Path.of(named);
        return Files.isDirectory(folder) ? folder : Path.of(System.getProperty("java.io.tmpdir"));
    }
}
