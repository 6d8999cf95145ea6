package org.jkvm.app.img;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jkvm.app.cli.Sizes;
import org.jkvm.app.cli.Suggestion;
import org.jkvm.base.UserException;
import org.jkvm.storage.Images;
import picocli.CommandLine.Option;

/** What the commands have in common. */
abstract class ImageCommand {
    @Option(names = {"-h", "-help", "--help"}, usageHelp = true, description = "Shows this help.")
    private boolean help;

    /** Does what was asked; returns the exit status. */
    abstract int run();

    /** Checks a format's name; null stays null. */
    static String format(String name) {
        if (name != null && !Images.FORMATS.contains(name)) {
            throw new UserException("unknown image format '" + name + "'; known: "
                    + String.join(", ", Images.FORMATS) + Suggestion.hint(name, Images.FORMATS));
        }
        return name;
    }

    /** Something that the host may refuse. */
    interface Work<T> {
        T run() throws IOException;
    }

    /** Does {@code work} on the image at {@code path}; what the host refuses becomes one line for the user. */
    static <T> T on(Path path, Work<T> work) {
        try {
            return work.run();
        } catch (IOException e) {
            throw new UserException("image '" + path + "': " + e.getMessage());
        }
    }

    /** A number of bytes as people write it; {@code what} names it. */
    static long size(String what, String text) {
        return Sizes.parse(text, 'b').orElseThrow(() -> new UserException(what + " '" + text
                + "': bytes, or a number with one of k M G T P E, less than 8E, is allowed"));
    }

    /** A whole number in a range. */
    static int number(String what, int value, int min, int max) {
        if (value < min || value > max) {
            throw new UserException(what + " " + value + ": " + min + " to " + max + " is allowed");
        }
        return value;
    }

    /** The only file argument. */
    static Path single(List<Path> files) {
        if (files == null || files.size() != 1) {
            throw new UserException(files == null ? "an image file name is missing"
                    : "one image file name is expected, not " + files.size());
        }
        return files.getFirst();
    }
}
