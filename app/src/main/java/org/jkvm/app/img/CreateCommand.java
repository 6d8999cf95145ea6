package org.jkvm.app.img;

import java.nio.file.Path;
import java.util.List;
import org.jkvm.base.UserException;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;

/** {@code kvm-img create}. */
final class CreateCommand extends ImageCommand {
    private final String format = given.get("-f", "raw");
    private final boolean unsafe = given.has("-u");
    private final List<String> words = given.operands();

    CreateCommand(Words given, Console console) {
        super(given, console);
    }

    static Syntax syntax() {
        return Syntax.of("create", "FILE [SIZE]", "Makes a virtual hard disk.",
                "SIZE is in bytes, or a number with one of k M G T P E; with a backing file it may be left away.")
                .value("-f", "FORMAT", "One of " + String.join(", ", Images.creatable()) + "; raw unless given.")
                .value("-o", "NAME=VALUE,...", "Options of the format; '-o help' lists them.")
                .value("-b", "FILE", "The backing file: the new image keeps what differs from it.")
                .value("-F", "FORMAT", "The backing file's format.")
                .flag("-u", "The backing file is not opened: it may be missing.")
                .with(Secrets.OPTIONS)
                .with(Common.QUIET)
                .examples("kvm-img create -f qcow2 disk.qcow2 20G",
                        "kvm-img create -f qcow2 -b base.qcow2 -F qcow2 clone.qcow2");
    }

    @Override
    int run() {
        format(format);
        CreationOptions made = new CreationOptions(format, given.all("-o"));
        if (made.help()) {
            out.print(made.helpText());
            return 0;
        }
        Path path = path();
        made.putGiven("backing_file", given.get("-b"));
        made.putGiven("backing_fmt", given.get("-F"));
        String backing = made.get("backing_file");
        String below = backing == null ? made.get("backing_fmt") : backingFormat(path, backing, made.get("backing_fmt"));
        if (backing == null && below != null) {
            throw new UserException("a backing format is given (-F), and no backing file (-b)");
        }
        CreateOptions options = made.build(size(path, made, backing, below), backing, below)
                .withSecret(new Secrets(given).named(made.secret()));
        if (!given.has("-q")) {
            out.println("Formatting '" + path + "', fmt=" + format + made.describe(options));
        }
        Images.create(path, options);
        return 0;
    }

    private Path path() {
        if (words.isEmpty()) {
            throw new UserException("an image file name is missing");
        }
        if (words.size() > 2) {
            throw new UserException("unexpected argument '" + words.get(2) + "'");
        }
        return path(words.getFirst());
    }

    /** The backing file's format: never guessed, since a guest can write the first bytes of a raw disk. */
    private String backingFormat(Path path, String backing, String named) {
        if (named != null) {
            return format(named);
        }
        if (unsafe) {
            throw new UserException("a backing file needs its format: -F FORMAT");
        }
        try (Image below = Images.inspect(path.resolveSibling(backing), OpenOptions.defaults())) {
            throw new UserException("a backing file needs its format: -F " + below.format() + " by the look of '"
                    + backing + "'");
        }
    }

    private long size(Path path, CreationOptions made, String backing, String below) {
        String text = words.size() > 1 ? words.get(1) : made.get("size");
        if (words.size() > 1 && made.get("size") != null) {
            throw new UserException("the size is given twice");
        }
        if (text != null) {
            openable(path, backing, below);
            return size("size", text);
        }
        if (backing == null || unsafe) {
            throw new UserException("a size is missing: kvm-img create -f " + format + " " + path + " SIZE");
        }
        return openable(path, backing, below);
    }

    /** Makes sure that the backing file can be used; returns its size. */
    private long openable(Path path, String backing, String below) {
        if (backing == null || unsafe) {
            return 0;
        }
        OpenOptions readOnly = OpenOptions.defaults().withFormat(below).withReadOnly(true);
        try (Image image = Images.open(path.resolveSibling(backing), readOnly)) {
            return image.size();
        }
    }
}
