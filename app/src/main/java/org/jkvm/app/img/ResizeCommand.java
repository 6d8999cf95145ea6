package org.jkvm.app.img;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jkvm.base.Bits;
import org.jkvm.base.UserException;
import org.jkvm.storage.CreateOptions.Preallocation;
import org.jkvm.storage.Image;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.Images;

/** {@code kvm-img resize}. */
final class ResizeCommand extends ImageCommand {
    private static final int SECTOR = 512;

    private final List<String> words = given.operands();

    ResizeCommand(Words given, Console console) {
        super(given, console);
    }

    static Syntax syntax() {
        return Syntax.of("resize", "FILE [+|-]SIZE", "Makes a virtual hard disk larger, or smaller with --shrink.",
                "SIZE is the new size, or how much is added (+) or taken away (-). What is in the disk, partitions and file"
                        + " systems, stays as it is: before shrinking make that smaller first.")
                .with(Target.OPTIONS)
                .flag("--shrink", "Allows to make it smaller: what lies beyond the new end is lost.")
                .value("--preallocation", "MODE", "New space takes storage at once: metadata (qcow2), falloc or full; off unless"
                        + " given.")
                .with(Common.QUIET);
    }

    @Override
    int run() {
        if (words.size() != 2) {
            throw new UserException("an image file name and a size are expected, not " + (words.isEmpty() ? "nothing"
                    : "'" + String.join(" ", words) + "'"));
        }
        Preallocation how = preallocation(given.get("--preallocation", "off"));
        Target target = Target.of(given, path(words.getFirst()));
        try (Image image = Images.open(target.path(), target.options())) {
            on(target.path(), () -> resize(image, wanted(image.size(), words.getLast()), how));
        }
        if (!given.has("-q")) {
            out.println("Image resized.");
        }
        return 0;
    }

    private static long wanted(long now, String text) {
        char sign = text.isEmpty() ? ' ' : text.charAt(0);
        if (sign != '+' && sign != '-') {
            return sectors(size("size", text));
        }
        long change = size("size", text.substring(1));
        if (sign == '-' ? change >= now : change > Long.MAX_VALUE - SECTOR - now) {
            throw new UserException("size '" + text + "': the disk has " + now + " bytes");
        }
        return sectors(sign == '-' ? now - change : now + change);
    }

    private static long sectors(long size) {
        if (size > Long.MAX_VALUE - SECTOR) {
            throw new UserException("size " + size + " is too large");
        }
        return Bits.alignUp(size, SECTOR);
    }

    private static Preallocation preallocation(String name) {
        return switch (name) {
            case "off" -> Preallocation.OFF;
            case "metadata" -> Preallocation.METADATA;
            case "falloc" -> Preallocation.FALLOC;
            case "full" -> Preallocation.FULL;
            default -> throw new UserException("--preallocation=" + name + ": off, metadata, falloc or full is allowed");
        };
    }

    private Void resize(Image image, long size, Preallocation how) throws IOException {
        refuseOldSnapshots(image);
        if (size >= image.size()) {
            grow(image, size, how);
        } else if (how != Preallocation.OFF) {
            throw new UserException("--preallocation is for a disk that grows");
        } else if (given.has("--shrink")) {
            image.shrink(size);
        } else {
            throw new UserException("image '" + image.path() + "' would shrink from " + image.size() + " to " + size
                    + " bytes, and what lies beyond would be lost: use --shrink if that is meant");
        }
        return null;
    }

    private static void grow(Image image, long size, Preallocation how) throws IOException {
        long before = image.size();
        image.grow(size);
        try {
            image.preallocate(before, how);
        } catch (IOException e) {
            image.shrink(before);
            throw e;
        }
    }

    /** Snapshots of version 2 don't say how large the disk was (qcow2.txt, "Snapshots"): going back would be to no size. */
    private static void refuseOldSnapshots(Image image) throws IOException {
        ImageInfo info = image.info();
        boolean old = info.qcow2().map(q -> !q.version3()).orElse(false);
        if (old && !info.snapshots().isEmpty()) {
            throw new UserException("image '" + image.path() + "' is of version 2 (compat=0.10) and has snapshots:"
                    + " its size cannot change");
        }
    }
}
