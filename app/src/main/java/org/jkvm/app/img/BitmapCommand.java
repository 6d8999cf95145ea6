package org.jkvm.app.img;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jkvm.base.UserException;
import org.jkvm.storage.Bitmaps;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;

/** {@code kvm-img bitmap}. */
final class BitmapCommand extends ImageCommand {
    private static final List<String> ACTIONS = List.of("--add", "--remove", "--clear", "--enable", "--disable", "--merge");

    BitmapCommand(Words given, Console console) {
        super(given, console);
    }

    static Syntax syntax() {
        return Syntax.of("bitmap", "FILE BITMAP", "Adds, changes and removes the dirty bitmaps inside an image.",
                "A bitmap says which parts of the disk have changed since it was added or cleared: backup tools copy only"
                        + " those. An enabled one records whenever the image is written, by a guest or a tool. Several"
                        + " actions are done in the order in which they are first given. 'info' lists bitmaps.")
                .flag("--add", "Makes the bitmap, enabled.")
                .flag("--remove", "Removes it.")
                .flag("--clear", "Unsets all that is in it.")
                .flag("--enable", "Has it record from now on.")
                .flag("--disable", "Has it stay as it is.")
                .value("--merge", "SOURCE", "Sets in it what is set in the bitmap SOURCE too.")
                .value("-b --source-file", "FILE", "With --merge: the image that has SOURCE; the same one unless given.")
                .value("-F --source-format", "FORMAT", "That image's format; found out unless given.")
                .value("-g --granularity", "SIZE", "With --add: how many bytes a bit stands for, a power of two from 512 to"
                        + " 2G; a cluster, from 4k to 64k, unless given.")
                .with(Target.OPTIONS)
                .with(Common.QUIET)
                .examples("kvm-img bitmap --add disk.qcow2 monday", "kvm-img bitmap --merge monday disk.qcow2 week",
                        "kvm-img bitmap --add --disable -g 1M disk.qcow2 spare");
    }

    @Override
    int run() {
        if (given.operands().size() != 2) {
            throw new UserException("an image file name and a bitmap's name are expected, not "
                    + given.operands().size() + " words");
        }
        List<String> actions = given.keys().stream().filter(ACTIONS::contains).toList();
        check(actions);
        Target target = Target.of(given, path(given.operands().getFirst()));
        Path path = target.path();
        String name = given.operands().getLast();
        try (Image image = Images.openAlone(path, target.options())) {
            Bitmaps bitmaps = bitmaps(image);
            for (String action : actions) {
                on(path, () -> change(action, bitmaps, name));
            }
        }
        return 0;
    }

    private void check(List<String> actions) {
        if (actions.isEmpty()) {
            throw new UserException("nothing to do; one of " + String.join(", ", ACTIONS) + " is expected");
        }
        if (given.has("-g") && !given.has("--add")) {
            throw new UserException("-g goes with --add");
        }
        if ((given.has("-b") || given.has("-F")) && !given.has("--merge")) {
            throw new UserException("-b and -F go with --merge");
        }
        if (given.has("-F") && !given.has("-b")) {
            throw new UserException("-F goes with -b");
        }
    }

    private static Bitmaps bitmaps(Image image) {
        return image.bitmaps().orElseThrow(() -> new UserException("image '" + image.path() + "' of format "
                + image.format() + " has no bitmaps inside: qcow2 images have"));
    }

    private Void change(String action, Bitmaps bitmaps, String name) throws IOException {
        switch (action) {
            case "--add" -> bitmaps.add(name, given.has("-g") ? size("-g", given.get("-g")) : 0);
            case "--remove" -> bitmaps.remove(name);
            case "--clear" -> bitmaps.clear(name);
            case "--enable" -> bitmaps.setEnabled(name, true);
            case "--disable" -> bitmaps.setEnabled(name, false);
            default -> merge(bitmaps, name);
        }
        return null;
    }

    private void merge(Bitmaps bitmaps, String name) throws IOException {
        Optional<Path> other = Optional.ofNullable(given.get("-b")).map(ImageCommand::path);
        for (String source : given.all("--merge")) {
            bitmaps.merge(name, other.isPresent() ? contents(other.get(), source) : bitmaps.contents(source));
        }
    }

    private Bitmaps.Contents contents(Path file, String source) {
        OpenOptions options = OpenOptions.defaults().withFormat(format(given.get("-F"))).withSecret(new Secrets(given).other(null));
        try (Image image = Images.inspect(file, options)) {
            return on(file, () -> bitmaps(image).contents(source));
        }
    }
}
