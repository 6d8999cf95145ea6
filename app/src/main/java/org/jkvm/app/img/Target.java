package org.jkvm.app.img;

import java.nio.file.Path;
import java.util.List;
import org.jkvm.base.UserException;
import org.jkvm.storage.OpenOptions;

/**
 * An image that is changed, and how it is opened.
 *
 * @param options for reading and writing, unless it is only to be read
 */
record Target(Path path, OpenOptions options) {
    static final List<Syntax.Entry> OPTIONS = List.of(
            new Syntax.Entry(List.of("-f"), "FORMAT", "The image's format; found out unless given."),
            new Syntax.Entry(List.of("--image-opts"), null, "FILE is not a name but driver=FORMAT,file.filename=NAME"
                    + "[,encrypt.key-secret=ID]."),
            new Syntax.Entry(List.of("-t"), "CACHE", "The image's caching: " + Common.CACHES + "; writeback unless given."),
            Secrets.OPTIONS.getFirst());

    /** The image that an operand means. */
    static Target of(Words given, Path word) {
        return of(given, word, null);
    }

    /** The same; the secret called {@code taken} is for something else. */
    static Target of(Words given, Path word, String taken) {
        Source.Place place = new Source(given, taken).place(word, given.get("-f"));
        if (place.forceShare()) {
            throw new UserException("-U and force-share=on are for images that are only read");
        }
        return new Target(place.path(), options(given, place));
    }

    /** The same for one that, with the same options, is only read. */
    static Target toRead(Words given, Path word) {
        Source.Place place = new Source(given).place(word, given.get("-f"));
        return new Target(place.path(), options(given, place).withReadOnly(true).withForceShare(place.forceShare()));
    }

    private static OpenOptions options(Words given, Source.Place place) {
        return OpenOptions.defaults().withFormat(ImageCommand.format(place.format()))
                .withCache(Common.cache("-t", given.get("-t", "writeback"))).withSecret(place.secret());
    }
}
