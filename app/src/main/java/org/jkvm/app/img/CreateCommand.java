package org.jkvm.app.img;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import org.jkvm.base.UserException;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kvm-img create}. */
@Command(name = "create", description = "Makes a virtual hard disk.", sortOptions = false)
final class CreateCommand extends ImageCommand {
    private final PrintStream out;

    @Option(names = "-f", paramLabel = "FORMAT", description = "raw (the default) or qcow2.")
    private String format = "raw";

    @Option(names = "-o", paramLabel = "NAME=VALUE,...",
            description = "Options of the format; '-o help' lists them.")
    private List<String> options = List.of();

    @Option(names = "-b", paramLabel = "FILE", description = "The backing file: the new image keeps what differs from it.")
    private String backingFile;

    @Option(names = "-F", paramLabel = "FORMAT", description = "The backing file's format.")
    private String backingFormat;

    @Option(names = "-u", description = "The backing file is not opened: it may be missing.")
    private boolean unsafe;

    @Option(names = "-q", description = "Says nothing.")
    private boolean quiet;

    @Parameters(paramLabel = "FILE [SIZE]", arity = "0..*",
            description = "The image, and its size in bytes or with one of k M G T P E.")
    private List<String> words = List.of();

    CreateCommand(PrintStream out) {
        this.out = out;
    }

    @Override
    int run() {
        format(format);
        CreationOptions given = new CreationOptions(format, options);
        if (given.help()) {
            out.print(given.helpText());
            return 0;
        }
        Path path = path();
        if (backingFile != null) {
            given.put("backing_file", backingFile);
        }
        if (backingFormat != null) {
            given.put("backing_fmt", backingFormat);
        }
        String backing = given.get("backing_file");
        String below = backing == null ? given.get("backing_fmt") : backingFormat(path, backing, given.get("backing_fmt"));
        if (backing == null && below != null) {
            throw new UserException("a backing format is given (-F), and no backing file (-b)");
        }
        CreateOptions made = given.build(size(path, given, backing, below), backing, below);
        if (!quiet) {
            out.println("Formatting '" + path + "', fmt=" + format + given.describe(made));
        }
        Images.create(path, made);
        return 0;
    }

    private Path path() {
        if (words.isEmpty()) {
            throw new UserException("an image file name is missing");
        }
        if (words.size() > 2) {
            throw new UserException("unexpected argument '" + words.get(2) + "'");
        }
        return Path.of(words.getFirst());
    }

    /** The backing file's format: never guessed, since a guest can write the first bytes of a raw disk. */
    private String backingFormat(Path path, String backing, String given) {
        if (given != null) {
            return format(given);
        }
        if (unsafe) {
            throw new UserException("a backing file needs its format: -F FORMAT");
        }
        try (Image below = Images.inspect(path.resolveSibling(backing), OpenOptions.defaults())) {
            throw new UserException("a backing file needs its format: -F " + below.format() + " by the look of '"
                    + backing + "'");
        }
    }

    private long size(Path path, CreationOptions given, String backing, String below) {
        String text = words.size() > 1 ? words.get(1) : given.get("size");
        if (words.size() > 1 && given.get("size") != null) {
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
