package org.jkvm.app.img;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jkvm.base.Bits;
import org.jkvm.base.UserException;
import org.jkvm.storage.FormatInfo;
import org.jkvm.storage.Image;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.Images;
import org.jkvm.storage.KeyChange;

/** {@code kvm-img amend}. */
final class AmendCommand extends ImageCommand {
    private static final List<String> CHANGEABLE = List.of("backing_file", "backing_fmt", "compat", "lazy_refcounts",
            "size");
    private static final int SECTOR = 512;

    AmendCommand(Words given, Console console) {
        super(given, console);
    }

    static Syntax syntax() {
        return Syntax.of("amend", "FILE", "Changes options of an image that is there.",
                "What can be changed: backing_file and backing_fmt (the names only, as rebase -u does; an empty backing_file"
                        + " takes it away), compat (0.10 or 1.1), lazy_refcounts and size (to a larger one); and the passphrases"
                        + " of an encrypted image, by state, new-secret, old-secret, keyslot and iter-time, behind 'encrypt.'"
                        + " where the image is qcow2. It is opened with the first --object that is not the new secret.")
                .value("-o", "NAME=VALUE,...", "The options and their new values.")
                .flag("--force", "Overwrites a key slot that is in use, takes the last passphrase away.")
                .with(Target.OPTIONS)
                .with(Common.PROGRESS)
                .with(Common.QUIET);
    }

    @Override
    int run() {
        if (!given.has("-o")) {
            throw new UserException("-o is missing: what is to be changed");
        }
        Secrets secrets = new Secrets(given);
        Target target = Target.of(given, single(), KeyOptions.newSecret(given.all("-o")));
        Path path = target.path();
        try (Image image = Images.openAlone(path, target.options())) {
            Map<String, String> keys = KeyOptions.of(image.format());
            CreationOptions values = new CreationOptions(image.format(), given.all("-o"), keys);
            List<String> changeable = Stream.concat(CHANGEABLE.stream(), keys.keySet().stream()).toList();
            if (values.help()) {
                out.println("Options that can be changed: " + String.join(", ", changeable));
                return 0;
            }
            values.names().stream().filter(n -> !changeable.contains(n)).findFirst().ifPresent(n -> {
                throw new UserException("option '" + n + "' cannot be changed in an image that is there; these can: "
                        + String.join(", ", changeable) + " (convert makes another image)");
            });
            Optional<KeyChange> change = KeyOptions.change(image.format(), values, secrets, given.has("--force"));
            on(path, () -> amend(image, values));
            if (change.isPresent()) {
                on(path, () -> changeKeys(image, change.get()));
            }
        }
        return 0;
    }

    private static Void changeKeys(Image image, KeyChange change) throws IOException {
        image.changeKeys(change);
        return null;
    }

    /** Version 2 has no bitmaps: qemu-img drops them too. */
    private void tellBitmaps(Image image) throws IOException {
        List<String> names = image.info().qcow2().map(FormatInfo.Qcow2::bitmaps).orElse(List.of()).stream()
                .map(b -> "'" + b.name() + "'").toList();
        if (!names.isEmpty() && !given.has("-q")) {
            err.println("kvm-img: removing bitmaps, which version 2 cannot have: " + String.join(", ", names));
        }
    }

    private Void amend(Image image, CreationOptions values) throws IOException {
        if (values.get("size") != null) {
            long size = Bits.alignUp(size("size", values.get("size")), SECTOR);
            if (size < image.size()) {
                throw new UserException("size=" + size + " is less than now: resize --shrink makes an image smaller");
            }
            image.grow(size);
        }
        if (values.get("backing_file") != null || values.get("backing_fmt") != null) {
            rename(image, values);
        }
        for (String name : List.of("compat", "lazy_refcounts")) {
            if (values.get(name) != null) {
                if (name.equals("compat") && values.version() == 2) {
                    tellBitmaps(image);
                }
                image.amend(name, values.get(name));
            }
        }
        return null;
    }

    private static void rename(Image image, CreationOptions values) throws IOException {
        ImageInfo.Backing now = image.info().backing().orElse(null);
        String name = values.get("backing_file") != null ? values.get("backing_file") : now == null ? "" : now.name();
        String format = values.get("backing_fmt") != null ? values.get("backing_fmt") : now == null ? null : now.format();
        if (!name.isEmpty() && format == null) {
            throw new UserException("a backing file needs its format: backing_fmt=");
        }
        image.nameBacking(name.isEmpty() ? null : name, name.isEmpty() ? null : format(format));
    }
}
