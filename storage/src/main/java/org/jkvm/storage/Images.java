package org.jkvm.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jkvm.base.Bits;
import org.jkvm.base.HostException;
import org.jkvm.base.UserException;
import org.jkvm.linux.Errno;
import org.jkvm.linux.FileStatus;
import org.jkvm.linux.HostFile;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.HostImageFile;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.ImageLock;
import org.jkvm.storage.layer.Layer;
import org.jkvm.storage.qcow2.Creator;
import org.jkvm.storage.qcow2.Qcow2Layer;

/** Opens and makes disk images. All methods wait for the host; whatever is wrong is a one-line {@link UserException}. */
public final class Images {
    /** The formats that can be opened and made. */
    public static final List<String> FORMATS = List.of("raw", "qcow2");

    private static final int SECTOR = 512;

    private Images() {
    }

    /**
     * Opens an image and its backing files. It is locked, as QEMU does it, until it is closed: nobody else can write it
     * meanwhile, nor read it where it was opened for writing.
     */
    public static Image open(Path path, OpenOptions options) {
        ChainOpener opener = new ChainOpener(true);
        Layer layer = opener.open(path, options);
        return new AsyncImage(path, layer, options, opener.warnings());
    }

    /**
     * Opens an image and its backing files read-only, under a qcow2 overlay of their size that takes all writes and vanishes
     * when it is closed, or with the process: {@code snapshot=on}. The overlay's file is in TMPDIR, or else /var/tmp: it may
     * become as large as the disk. Flushes of it do nothing.
     */
    public static Image openTemporary(Path path, OpenOptions options) {
        ChainOpener opener = new ChainOpener(true);
        Layer base = opener.open(path, options.withReadOnly(true));
        try {
            Layer top = TemporaryOverlay.over(base, opener, options);
            return new AsyncImage(path, top, options, opener.warnings());
        } catch (IOException e) {
            throw closing(base, new UserException("cannot make a temporary overlay of '" + path + "': " + e.getMessage()));
        } catch (UserException e) {
            throw closing(base, e);
        }
    }

    private static UserException closing(Layer layer, UserException failure) {
        try {
            layer.close();
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
        return failure;
    }

    /** Opens an image alone, read-only, to look at its metadata: its backing file need not exist. */
    public static Image inspect(Path path, OpenOptions options) {
        OpenOptions readOnly = options.withReadOnly(true);
        ChainOpener opener = new ChainOpener(false);
        Layer layer = opener.open(path, readOnly);
        return new AsyncImage(path, layer, readOnly, opener.warnings());
    }

    /**
     * Repairs an image that nobody has open: gives leaked clusters back, and where {@code all} is set also puts right
     * reference counts that are too low and flags. Empty where the format has nothing to repair.
     */
    public static Optional<RepairResult> repair(Path path, OpenOptions options, boolean all) {
        return new ChainOpener(false).repair(path, options, all);
    }

    /** Makes an image; what was in a file of this name is lost. An image that is in use is refused. */
    public static void create(Path path, CreateOptions options) {
        if (!FORMATS.contains(options.format())) {
            throw new UserException("image format '" + options.format() + "' is unknown; known: "
                    + String.join(", ", FORMATS));
        }
        if (options.size() < 0) {
            throw new UserException("the size of image '" + path + "' is negative");
        }
        if (options.format().equals("qcow2")) {
            Creator.check(options);
        }
        refuseOwnBacking(path, options.backingFile());
        boolean isNew = Files.notExists(path);
        try (HostFile file = HostFile.open(path, HostFile.Access.CREATE)) {
            fill(path, file, options);
        } catch (IOException | UserException e) {
            throw failed(path, isNew, e.getMessage());
        } catch (HostException e) {
            throw failed(path, isNew, Errno.describe(e.errno()));
        }
    }

    /** Making the image would destroy what it is to stand on. */
    private static void refuseOwnBacking(Path path, String backingFile) {
        try {
            if (backingFile != null && Files.isSameFile(path, path.resolveSibling(backingFile))) {
                throw new UserException("image '" + path + "' cannot be its own backing file");
            }
        } catch (IOException | InvalidPathException _) {
            // One of them does not exist or is no plain file: they are not the same.
        }
    }

    private static UserException failed(Path path, boolean isNew, String why) {
        if (isNew) {
            path.toFile().delete();
        }
        return new UserException("cannot create image '" + path + "': " + why);
    }

    private static void fill(Path path, HostFile file, CreateOptions options) throws IOException {
        FileStatus status = file.status();
        ImageLock.take(file, true);
        boolean regular = status.kind() == FileStatus.Kind.REGULAR;
        ImageFile bytes = new HostImageFile(file, status, CacheMode.WRITEBACK, false);
        if (regular) {
            bytes.setSize(0);
        }
        if (options.format().equals("raw")) {
            raw(file, bytes, regular, options);
        } else {
            qcow2(path, file, bytes, options);
        }
        bytes.flush();
    }

    private static void raw(HostFile file, ImageFile bytes, boolean regular, CreateOptions options)
            throws IOException {
        if (!regular) {
            if (bytes.size() < options.size()) {
                throw new IOException("the device has " + bytes.size() + " bytes, less than the size " + options.size());
            }
            return;
        }
        bytes.setSize(options.size());
        switch (options.preallocation()) {
            case OFF -> { }
            case METADATA -> throw new UserException("preallocation=metadata: raw has no metadata; off, falloc and full"
                    + " are allowed");
            case FALLOC -> reserve(file, 0, options.size());
            case FULL -> Buffers.writeZeroes(bytes, 0, options.size());
        }
    }

    private static void reserve(HostFile file, long offset, long length) throws IOException {
        if (length > 0 && !file.reserve(offset, length)) {
            throw new IOException("preallocation=falloc: the file system cannot reserve storage; full is slower and works");
        }
    }

    private static void qcow2(Path path, HostFile file, ImageFile bytes, CreateOptions options) throws IOException {
        Creator.create(bytes, options);
        Qcow2Layer layer = Qcow2Layer.open(path, bytes, OpenOptions.defaults().withFormat("qcow2"));
        layer.grow(Bits.alignUp(options.size(), SECTOR));
        if (options.preallocation() != CreateOptions.Preallocation.OFF) {
            preallocate(file, bytes, layer, options);
        }
        layer.flush();
    }

    private static void preallocate(HostFile file, ImageFile bytes, Qcow2Layer layer, CreateOptions options)
            throws IOException {
        if (options.backingFile() != null) {
            throw new UserException("preallocation and a backing file do not go together");
        }
        layer.allocateAll(options.preallocation() == CreateOptions.Preallocation.FULL);
        layer.flush();
        if (options.preallocation() == CreateOptions.Preallocation.FALLOC) {
            reserve(file, 0, bytes.size());
        }
    }
}
