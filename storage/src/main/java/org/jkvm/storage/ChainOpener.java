package org.jkvm.storage;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jkvm.base.HostException;
import org.jkvm.base.UserException;
import org.jkvm.linux.Errno;
import org.jkvm.linux.FileStatus;
import org.jkvm.linux.HostFile;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.Bytes;
import org.jkvm.storage.layer.HostImageFile;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.ImageFormat;
import org.jkvm.storage.layer.ImageLock;
import org.jkvm.storage.layer.Layer;
import org.jkvm.storage.layer.Probe;
import org.jkvm.storage.nbd.NbdAddress;
import org.jkvm.storage.nbd.NbdFile;
import org.jkvm.storage.layer.Source;
import org.jkvm.storage.qcow2.Qcow2Layer;
import org.jkvm.storage.raw.RawLayer;

/** Opens an image and its backing files. One opener for one chain. */
final class ChainOpener {
    /** Far more than anybody stacks; each costs a descriptor and caches. */
    private static final int MAX_CHAIN = 200;

    /** A file. Its methods are written out: those that the JVM makes for records take it 20 ms at their first use. */
    private record FileId(long device, long inode) {
        @Override
        public boolean equals(Object other) {
            return other instanceof FileId id && id.device == device && id.inode == inode;
        }

        @Override
        public int hashCode() {
            return Long.hashCode(device * 31 + inode);
        }
    }

    private final Set<FileId> seen = new HashSet<>();
    private final List<String> warnings = new ArrayList<>();
    private final boolean withBacking;
    /** The snapshot in the first image that is to be seen, or null. */
    private String snapshot;

    ChainOpener(boolean withBacking) {
        this.withBacking = withBacking;
    }

    /** Opens the image at {@code path} with the contents that a snapshot inside it keeps, and what it stands on. */
    Layer openSnapshot(Path path, OpenOptions options, String idOrName) {
        snapshot = idOrName;
        return open(path, options.withReadOnly(true));
    }

    /** What the user should be told about the chain. */
    List<String> warnings() {
        return warnings;
    }

    /** Something done with a file that was opened and locked. */
    private interface Use<T> {
        T with(HostFile file) throws IOException;
    }

    /** Opens the image at {@code path} and what it stands on. */
    Layer open(Path path, OpenOptions options) {
        if (NbdAddress.matches(path.toString())) {
            return openRemote(path, options);
        }
        return use(path, options, file -> layer(file, file.status(), options));
    }

    private Layer openRemote(Path path, OpenOptions options) {
        ImageFile export = null;
        try {
            export = NbdFile.open(NbdAddress.parse(path.toString()), options.readOnly(), options.cache());
            return layer(path, export, options);
        } catch (IOException e) {
            if (export != null) {
                export.close();
            }
            throw failed(path, null, e.getMessage());
        }
    }

    /** Repairs the image at {@code path}: leaks, or {@code all}; empty where its format has nothing to repair. */
    Optional<RepairResult> repair(Path path, OpenOptions options, boolean all) {
        return use(path, options.withReadOnly(false), file -> {
            ImageFile bytes = imageFile(file, file.status(), options);
            String format = options.format() == null ? guess(bytes, path, true) : options.format();
            Optional<RepairResult> result = format.equals("qcow2") ? Optional.of(Qcow2Layer.repair(bytes, all))
                    : Optional.empty();
            bytes.close();
            return result;
        });
    }

    private <T> T use(Path path, OpenOptions options, Use<T> use) {
        HostFile file = null;
        try {
            file = openFile(path, options);
            claim(file, options);
            return use.with(file);
        } catch (IOException e) {
            throw failed(path, file, e.getMessage());
        } catch (HostException e) {
            throw failed(path, file, e.errno() == 0 ? e.getMessage() : Errno.describe(e.errno()));
        } catch (RuntimeException | Error e) {
            close(file);
            throw e;
        }
    }

    private static UserException failed(Path path, HostFile file, String why) {
        close(file);
        return new UserException("cannot open image '" + path + "': " + why);
    }

    private static void close(HostFile file) {
        if (file != null) {
            file.close();
        }
    }

    private static HostFile openFile(Path path, OpenOptions options) {
        HostFile.Access access = options.readOnly() ? HostFile.Access.READ : HostFile.Access.READ_WRITE;
        return HostFile.open(path, access);
    }

    private void claim(HostFile file, OpenOptions options) {
        FileStatus status = file.status();
        checkKind(file.path(), status);
        if (!seen.add(new FileId(status.device(), status.inode()))) {
            throw new UserException("backing files of image '" + file.path() + "' form a circle");
        }
        if (seen.size() > MAX_CHAIN) {
            throw new UserException("chain of more than " + MAX_CHAIN + " backing files at '" + file.path() + "'");
        }
        if (!options.forceShare()) {
            ImageLock.take(file, !options.readOnly());
        }
    }

    private static void checkKind(Path path, FileStatus status) {
        switch (status.kind()) {
            case REGULAR, BLOCK_DEVICE -> { }
            case DIRECTORY -> throw new UserException("cannot open image '" + path + "': it is a directory");
            case OTHER -> throw new UserException("cannot open image '" + path + "': it is neither a regular file nor a"
                    + " block device");
        }
    }

    private Layer layer(HostFile file, FileStatus status, OpenOptions options) throws IOException {
        return layer(file.path(), imageFile(file, status, options), options);
    }

    private Layer layer(Path path, ImageFile bytes, OpenOptions options) throws IOException {
        String format = options.format() == null ? guess(bytes, path, options.readOnly()) : options.format();
        if (snapshot != null && !format.equals("qcow2")) {
            throw new UserException("image '" + path + "' of format " + format + " has no snapshots: qcow2 images have");
        }
        return switch (format) {
            case "raw" -> new RawLayer(path, bytes, options, options.format() == null);
            case "qcow2" -> qcow2(path, bytes, options);
            default -> other(format, path).open(new Source(path, bytes, options, neighbours(path, options)));
        };
    }

    private static ImageFormat other(String format, Path path) {
        return Formats.find(format).orElseThrow(() -> new UserException("image '" + path + "' has format " + format
                + ", which is not supported; supported: " + String.join(", ", Images.FORMATS)));
    }

    private Source.Neighbours neighbours(Path image, OpenOptions options) {
        return new Source.Neighbours() {
            @Override
            public ImageFile part(String name) {
                return ChainOpener.this.part(image, name, options);
            }

            @Override
            public Layer backing(ImageInfo.Backing backing) {
                return withBacking ? ChainOpener.this.backing(image, backing, options) : null;
            }
        };
    }

    private ImageFile part(Path image, String name, OpenOptions options) {
        if (name.isEmpty() || name.equals("..") || name.chars().anyMatch(c -> c == '/' || Character.isISOControl(c))) {
            throw new UserException("image '" + image + "' has a part of itself in '" + Bytes.printable(name)
                    + "': only files in the image's folder are opened for that");
        }
        return use(image.resolveSibling(name), options, file -> imageFile(file, file.status(), options));
    }

    /** The file as {@code cache} says. O_DIRECT is a property of an open file: fcntl(2) can set it later. */
    private static ImageFile imageFile(HostFile file, FileStatus status, OpenOptions options) {
        boolean direct = options.cache().direct() && file.bypassCache();
        HostImageFile image = new HostImageFile(file, status, options.cache(), direct);
        return options.filling() ? image.filling() : image;
    }

    private String guess(ImageFile bytes, Path path, boolean readOnly) throws IOException {
        MemorySegment start = Buffers.allocate(Probe.LENGTH);
        bytes.read(0, start);
        String format = Probe.guess(start);
        if (format.equals("raw") && !readOnly) {
            warnings.add("image format was not given for '" + path + "' and is taken for raw; writes that would make it look"
                    + " like another format are refused (name the format, format=raw, to allow them)");
        }
        return format;
    }

    private Layer qcow2(Path path, ImageFile bytes, OpenOptions options) throws IOException {
        Qcow2Layer layer = qcow2Alone(path, bytes, options);
        Optional<ImageInfo.Backing> below = withBacking ? layer.backingName() : Optional.empty();
        below.ifPresent(b -> layer.attach(backing(path, b, options)));
        return layer;
    }

    private Qcow2Layer qcow2Alone(Path path, ImageFile bytes, OpenOptions options) throws IOException {
        String wanted = snapshot;
        snapshot = null;
        return wanted == null ? Qcow2Layer.open(path, bytes, options, name -> part(path, name, options))
                : Qcow2Layer.openSnapshot(path, bytes, options, name -> part(path, name, options), wanted);
    }

    private Layer backing(Path path, ImageInfo.Backing below, OpenOptions options) {
        if (below.path().toString().isEmpty()) {
            throw new UserException("image '" + path + "' names an empty backing file");
        }
        try {
            return open(below.path(), options.withReadOnly(true).withFormat(below.format()));
        } catch (UserException e) {
            throw new UserException("backing file of '" + path + "': " + e.getMessage());
        }
    }
}
