package org.jkvm.app.img;

import java.nio.file.Path;
import java.util.List;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;

/** How an image that is only read is opened. */
final class Source {
    static final List<Syntax.Entry> OPTIONS = List.of(
            new Syntax.Entry(List.of("-f"), "FORMAT", "The image's format; found out unless given."),
            new Syntax.Entry(List.of("-U", "--force-share"), null, "Looks at the image even where it is in use."),
            Secrets.OPTIONS.getFirst());

    private final Words given;
    private final String taken;

    Source(Words given) {
        this(given, null);
    }

    /** The secret called {@code taken} is for another image. */
    Source(Words given, String taken) {
        this.given = given;
        this.taken = taken;
    }

    /** Opens the image and its backing files, read-only. */
    Image open(Path path) {
        return open(path, given.get("-f"));
    }

    /** The same, in another format. */
    Image open(Path path, String format) {
        return Images.open(path, options(format));
    }

    /** Opens the image alone, read-only, to look at its metadata. */
    Image inspect(Path path) {
        return inspect(path, given.get("-f"));
    }

    /** The same, in another format. */
    Image inspect(Path path, String format) {
        return Images.inspect(path, options(format));
    }

    private OpenOptions options(String format) {
        return OpenOptions.defaults().withFormat(ImageCommand.format(format)).withReadOnly(true)
                .withForceShare(given.has("-U")).withSecret(new Secrets(given).other(taken));
    }
}
