package org.jkvm.storage;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.UserException;
import org.jkvm.linux.FileStatus;
import org.jkvm.linux.HostFile;
import org.jkvm.storage.layer.HostImageFile;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.ImageLock;
import org.jkvm.storage.layer.NewImage;

/** The files of an image that is being made: empty, locked, and flushed and closed together. */
final class NewFiles implements NewImage.Neighbours, AutoCloseable {
    private final Path image;
    private final CacheMode cache;
    private final List<HostFile> hosts = new ArrayList<>();
    private final List<ImageFile> files = new ArrayList<>();

    /** {@code cache} says whether flushes are waited for; the page cache is used in any case. */
    NewFiles(Path image, CacheMode cache) {
        this.image = image;
        this.cache = cache == CacheMode.UNSAFE ? cache : CacheMode.WRITEBACK;
    }

    /** Makes a file, or empties it. */
    ImageFile make(Path path) throws IOException {
        HostFile host = HostFile.open(path, HostFile.Access.CREATE);
        hosts.add(host);
        FileStatus status = host.status();
        ImageLock.take(host, true);
        ImageFile file = new HostImageFile(host, status, cache, false);
        files.add(file);
        if (regular(file)) {
            file.setSize(0);
        }
        return file;
    }

    boolean regular(ImageFile file) {
        return file.growsWithZeroes();
    }

    @Override
    public ImageFile part(String name) {
        try {
            return make(image.resolveSibling(name));
        } catch (IOException e) {
            throw new UserException("file '" + name + "' of the image: " + e.getMessage());
        }
    }

    @Override
    public void reserve(ImageFile file, long offset, long length) {
        if (length > 0 && !hosts.get(files.indexOf(file)).reserve(offset, length)) {
            throw new UserException("preallocation=falloc: the file system cannot reserve storage; full is slower and works");
        }
    }

    void flush() throws IOException {
        for (ImageFile file : files) {
            file.flush();
        }
    }

    @Override
    public void close() {
        hosts.forEach(HostFile::close);
    }
}
