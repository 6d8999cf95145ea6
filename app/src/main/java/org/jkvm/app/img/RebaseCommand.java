package org.jkvm.app.img;

import java.io.IOException;
import java.nio.file.Path;
import org.jkvm.base.UserException;
import org.jkvm.storage.Image;
import org.jkvm.storage.ImageRebase;
import org.jkvm.storage.Images;

/** {@code kvm-img rebase}. */
final class RebaseCommand extends ImageCommand {
    private final String base = given.get("-b");
    private final String baseFormat = given.get("-F");

    RebaseCommand(Words given, Console console) {
        super(given, console);
    }

    static Syntax syntax() {
        return Syntax.of("rebase", "FILE", "Gives an image another backing file.",
                "The image's contents stay the same: where the old and the new backing file differ, they are copied into the"
                        + " image, unless -u says that they don't.")
                .value("-b", "BASE", "The new backing file, as the image is to name it: a relative name starts in the"
                        + " image's folder. An empty name (-b '') makes the image stand alone.")
                .value("-F", "FORMAT", "The new backing file's format.")
                .flag("-u", "Unsafe: only the name is changed; neither backing file is opened or need exist.")
                .with(Target.OPTIONS)
                .value("-T", "CACHE", "The backing files' caching: " + Common.CACHES + "; writeback unless given.")
                .with(Common.PROGRESS)
                .with(Common.QUIET)
                .examples("kvm-img rebase -b base2.qcow2 -F qcow2 clone.qcow2", "kvm-img rebase -b '' clone.qcow2");
    }

    @Override
    int run() {
        if (base == null) {
            throw new UserException("-b is missing: the new backing file, or '' for none");
        }
        String name = base.isEmpty() ? null : base;
        if (name != null && baseFormat == null) {
            throw new UserException("a backing file needs its format: -F FORMAT");
        }
        format(baseFormat);
        Target target = Target.of(given, single());
        if (given.has("-u")) {
            try (Image image = Images.openAlone(target.path(), target.options())) {
                on(target.path(), () -> rename(image, name));
            }
        } else {
            safely(target, name);
        }
        return 0;
    }

    private Void rename(Image image, String name) throws IOException {
        image.nameBacking(name, name == null ? null : baseFormat);
        return null;
    }

    private void safely(Target target, String name) {
        Path path = target.path();
        try (Image image = Images.open(path, target.options());
                Image below = name == null ? null : below(path.resolveSibling(name), target)) {
            Progress shown = new Progress(out, given.has("-p") && !given.has("-q"));
            on(path, () -> {
                ImageRebase.copyDifferences(image, below, done -> shown.show(done, image.size()));
                return rename(image, name);
            });
            shown.end();
        }
    }

    private Image below(Path path, Target target) {
        return Images.open(path, target.options().withFormat(baseFormat).withReadOnly(true)
                .withCache(Common.cache("-T", given.get("-T", "writeback"))));
    }
}
