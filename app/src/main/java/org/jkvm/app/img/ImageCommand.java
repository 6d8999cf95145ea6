package org.jkvm.app.img;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import org.jkvm.app.cli.Sizes;
import org.jkvm.app.cli.Suggestion;
import org.jkvm.base.UserException;
import org.jkvm.storage.Images;

/** What the commands have in common. */
abstract class ImageCommand {
    /** The command's words. */
    final Words given;
    /** For what was asked for. */
    final PrintStream out;
    /** For what should be known beside it. */
    final PrintStream err;

    ImageCommand(Words given, Console console) {
        this.given = given;
        this.out = console.out();
        this.err = console.err();
    }

    /** Does what was asked; returns the exit status. */
    abstract int run();

    /** Whether these words only look at metadata, so that the host is done with it in milliseconds. */
    boolean onlyLooks() {
        return false;
    }

    /** Whether that, and at nothing but regular files by their names, without a secret. */
    final boolean looks() {
        return onlyLooks() && !given.has("-h") && !given.has("--object") && !given.has("--image-opts")
                && given.operands().stream().allMatch(name -> Files.isRegularFile(path(name)));
    }

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
    static int number(String what, String text, int min, int max) {
        try {
            int value = Integer.decode(text);
            if (value >= min && value <= max) {
                return value;
            }
        } catch (NumberFormatException _) {
            // The same message as for a number out of range.
        }
        throw new UserException(what + " " + text + ": " + min + " to " + max + " is allowed");
    }

    /** The only file argument. */
    Path single() {
        List<String> files = given.operands();
        if (files.size() != 1) {
            throw new UserException(files.isEmpty() ? "an image file name is missing"
                    : "one image file name is expected, not " + files.size());
        }
        return path(files.getFirst());
    }

    /** A file's name as a path. */
    static Path path(String name) {
        try {
            return Path.of(name);
        } catch (InvalidPathException e) {
            throw new UserException("'" + name + "' is no file name: " + e.getReason());
        }
    }

    /** Whether output is to be JSON. */
    boolean json() {
        return switch (given.get("--output", "human")) {
            case "human" -> false;
            case "json" -> true;
            default -> throw new UserException("--output=" + given.get("--output") + ": human or json is allowed");
        };
    }
}
