package org.jkvm.app.img;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jkvm.app.cli.OptionList;
import org.jkvm.base.UserException;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.jkvm.storage.Secret;

/** How an image that is only read is opened. */
final class Source {
    static final List<Syntax.Entry> OPTIONS = options();

    private final Words given;
    private final Secrets secrets;
    private final String taken;

    /** A file, its format or null, and its passphrase or null. */
    record Place(Path path, String format, Secret secret, boolean forceShare) {
    }

    Source(Words given) {
        this(given, null);
    }

    /** The secret called {@code taken} is for another image. */
    Source(Words given, String taken) {
        this.given = given;
        this.taken = taken;
        this.secrets = new Secrets(given);
    }

    private static List<Syntax.Entry> options() {
        List<Syntax.Entry> options = new ArrayList<>(List.of(
                new Syntax.Entry(List.of("-f"), "FORMAT", "The image's format; found out unless given."),
                new Syntax.Entry(List.of("--image-opts"), null, "FILE is not a name but driver=FORMAT,file.filename=NAME"
                        + "[,encrypt.key-secret=ID][,force-share=on]."),
                new Syntax.Entry(List.of("-U", "--force-share"), null, "Looks at the image even where it is in use."),
                new Syntax.Entry(List.of("-T"), "CACHE", "Caching of images that are only read: " + Common.CACHES
                        + "; writeback unless given.")));
        options.addAll(Secrets.OPTIONS);
        return List.copyOf(options);
    }

    /** Opens the image and its backing files, read-only. */
    Image open(Path path) {
        return open(path, given.get("-f"));
    }

    /** The same, in another format. */
    Image open(Path path, String format) {
        Place place = place(path, format);
        return Images.open(place.path(), options(place));
    }

    /** The snapshot that -l names by its id or name, or null. */
    static String snapshot(Words given) {
        return given.has("-l") ? given.get("-l").replaceFirst("^snapshot\\.(id|name)=", "") : null;
    }

    /** Opens what a snapshot in the image keeps; null is the disk as it is now. */
    Image openSnapshot(Path path, String idOrName) {
        Place place = place(path, given.get("-f"));
        return idOrName == null ? Images.open(place.path(), options(place))
                : Images.openSnapshot(place.path(), options(place), idOrName);
    }

    /** Opens the image alone, read-only, to look at its metadata. */
    Image inspect(Path path) {
        return inspect(path, given.get("-f"));
    }

    /** The same, in another format. */
    Image inspect(Path path, String format) {
        Place place = place(path, format);
        return Images.inspect(place.path(), options(place));
    }

    /** What an operand means: a name, or with --image-opts what it says. */
    Place place(Path path, String format) {
        if (!given.has("--image-opts")) {
            return new Place(path, format, secrets.other(taken), given.has("-U"));
        }
        if (given.has("-f")) {
            throw new UserException("--image-opts: driver= says the format, not -f");
        }
        try {
            return described("--image-opts", path.toString(), secrets, taken, given.has("-U"));
        } catch (UserException e) {
            // Not a misuse with a status of its own: qemu-img, and compare, know others.
            throw new UserException(e.getMessage());
        }
    }

    /** What an option says of an image; the secret called {@code taken} is for another one. */
    static Place described(String option, String text, Secrets secrets, String taken, boolean share) {
        OptionList options = OptionList.parse(option, text, null);
        options.oneOf("file.driver", "file", "file");
        String file = options.string("filename").or(() -> options.string("file.filename"))
                .orElseThrow(() -> options.refuse("file.filename= is missing"));
        String secret = options.string("key-secret").or(() -> options.string("encrypt.key-secret")).orElse(null);
        options.oneOf("encrypt.format", "luks", "luks");
        String driver = options.string("driver").orElse(null);
        boolean shared = options.flag("force-share", share);
        options.end();
        return new Place(ImageCommand.path(file), driver,
                secret == null ? secrets.other(taken) : secrets.named(secret), shared);
    }

    private OpenOptions options(Place place) {
        OpenOptions options = OpenOptions.defaults().withFormat(ImageCommand.format(place.format())).withReadOnly(true)
                .withCache(Common.cache("-T", given.get("-T", "writeback"))).withForceShare(place.forceShare());
        return options.withSecret(place.secret());
    }
}
