package org.jkvm.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jkvm.base.Bits;
import org.jkvm.base.HostException;
import org.jkvm.base.UserException;
import org.jkvm.linux.Errno;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.ImageFormat;
import org.jkvm.storage.layer.Layer;
import org.jkvm.storage.layer.NewImage;
import org.jkvm.storage.luks.LuksFormat;
import org.jkvm.storage.qcow2.Creator;
import org.jkvm.storage.qcow2.Encryption;
import org.jkvm.storage.qcow2.Qcow2Layer;

/** Opens and makes disk images. All methods wait for the host; whatever is wrong is a one-line {@link UserException}. */
public final class Images {
    /** The formats that can be opened. */
    public static final List<String> FORMATS = Formats.names();

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

    /** Opens an image and its backing files read-only, with the contents that a snapshot inside it keeps. */
    public static Image openSnapshot(Path path, OpenOptions options, String idOrName) {
        OpenOptions readOnly = options.withReadOnly(true);
        ChainOpener opener = new ChainOpener(true);
        Layer layer = opener.openSnapshot(path, readOnly, idOrName);
        return new AsyncImage(path, layer, readOnly, opener.warnings());
    }

    /** Opens an image without its backing file, which need not exist: what it has not itself reads as zeroes. */
    public static Image openAlone(Path path, OpenOptions options) {
        ChainOpener opener = new ChainOpener(false);
        Layer layer = opener.open(path, options);
        return new AsyncImage(path, layer, options, opener.warnings());
    }

    /** Opens an image alone, read-only, to look at its metadata: its backing file need not exist. */
    public static Image inspect(Path path, OpenOptions options) {
        return openAlone(path, options.withReadOnly(true));
    }

    /**
     * Repairs an image that nobody has open: gives leaked clusters back, and where {@code all} is set also puts right
     * reference counts that are too low and flags. Empty where the format has nothing to repair.
     */
    public static Optional<RepairResult> repair(Path path, OpenOptions options, boolean all) {
        return new ChainOpener(false).repair(path, options, all);
    }

    /** The formats that {@link #create} makes. */
    public static List<String> creatable() {
        return Formats.creatable();
    }

    /** What {@link CreateOptions#more} may have for a format, each name with its meaning. */
    public static Map<String, String> creationOptions(String format) {
        return format.equals("qcow2") ? Creator.options()
                : Formats.find(format).map(ImageFormat::creationOptions).orElse(Map.of());
    }

    /** Makes an image; what was in a file of this name is lost. An image that is in use is refused. */
    public static void create(Path path, CreateOptions options) {
        create(path, options, CacheMode.WRITEBACK);
    }

    /**
     * The same; with {@link CacheMode#UNSAFE} nothing waits for stable storage, for an image that is worth nothing before more
     * is written. On a busy disk each wait takes as long as writing out what others have written does.
     */
    public static void create(Path path, CreateOptions options, CacheMode cache) {
        check(options);
        refuseOwnBacking(path, options.backingFile());
        boolean isNew = Files.notExists(path);
        try (NewFiles files = new NewFiles(path, cache)) {
            ImageFile file = files.make(path);
            fill(new NewImage(path, file, files), options);
            files.flush();
        } catch (IOException | UserException e) {
            throw failed(path, isNew, e.getMessage());
        } catch (HostException e) {
            throw failed(path, isNew, Errno.describe(e.errno()));
        }
    }

    private static void check(CreateOptions options) {
        if (!creatable().contains(options.format())) {
            throw new UserException("image format '" + options.format() + "' cannot be made; these can: "
                    + String.join(", ", creatable()));
        }
        if (options.size() < 0) {
            throw new UserException("the size of the image is negative");
        }
        Map<String, String> known = creationOptions(options.format());
        options.more().keySet().stream().filter(name -> !known.containsKey(name)).findFirst().ifPresent(name -> {
            throw new UserException("format " + options.format() + " has no option '" + name + "'");
        });
        if (options.format().equals("qcow2")) {
            Creator.check(options);
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

    private static void fill(NewImage image, CreateOptions options) throws IOException {
        switch (options.format()) {
            case "raw" -> raw(image, options);
            case "qcow2" -> qcow2(image, options);
            default -> other(image, options);
        }
    }

    private static void other(NewImage image, CreateOptions options) throws IOException {
        ImageFormat format = Formats.find(options.format()).orElseThrow();
        if (options.backingFile() != null && !format.creationOptions().containsKey("backing_file")) {
            throw new UserException("images of format " + format.name() + " with a backing file are not made");
        }
        if (!image.file().growsWithZeroes()) {
            throw new UserException("images of format " + format.name() + " need a regular file");
        }
        format.create(image, options);
    }

    private static void raw(NewImage image, CreateOptions options) throws IOException {
        ImageFile bytes = image.file();
        if (!bytes.growsWithZeroes()) {
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
            case FALLOC -> image.neighbours().reserve(bytes, 0, options.size());
            case FULL -> Buffers.writeZeroes(bytes, 0, options.size());
        }
    }

    private static void qcow2(NewImage image, CreateOptions options) throws IOException {
        Creator.create(image.file(), options);
        if (options.secret() != null) {
            Encryption.add(image.file(), options.secret(), LuksFormat.millis(options, "encrypt."));
        }
        ImageFile data = options.more().containsKey("data_file") ? image.neighbours().part(options.more().get("data_file"))
                : null;
        Qcow2Layer layer = Qcow2Layer.open(image.path(), image.file(), OpenOptions.defaults().withFormat("qcow2")
                .withSecret(options.secret()), _ -> data);
        layer.grow(Bits.alignUp(options.size(), SECTOR));
        if (options.preallocation() != CreateOptions.Preallocation.OFF) {
            preallocate(layer, options);
        }
        layer.flush();
        layer.trimNew();
    }

    private static void preallocate(Qcow2Layer layer, CreateOptions options) throws IOException {
        if (options.backingFile() != null) {
            throw new UserException("preallocation and a backing file do not go together");
        }
        layer.preallocate(0, options.preallocation());
    }
}
