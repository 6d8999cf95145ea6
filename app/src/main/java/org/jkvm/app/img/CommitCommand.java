package org.jkvm.app.img;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.UserException;
import org.jkvm.storage.Image;
import org.jkvm.storage.ImageCopy;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;

/** {@code kvm-img commit}. */
final class CommitCommand extends ImageCommand {
    /** As many as are opened above each other. */
    private static final int MAX_CHAIN = 200;
    private static final int SPARSE = 4096;
    private static final int THREADS = 2;

    CommitCommand(Words given, Console console) {
        super(given, console);
    }

    static Syntax syntax() {
        return Syntax.of("commit", "FILE", "Writes what an image has into its backing file.",
                "The backing file grows where it is shorter. Afterwards the image is emptied: it and its backing file have"
                        + " the same contents. Images between FILE and BASE (-b) are left as they are and of no use then.")
                .value("-b", "BASE", "The backing file to write into, any of those that FILE stands on; the next one unless"
                        + " given. Implies -d.")
                .flag("-d", "Does not empty the image, which saves time where it is to be deleted.")
                .value("-r", "RATE", "The most bytes to copy in a second.")
                .with(Target.OPTIONS)
                .with(Common.PROGRESS)
                .with(Common.QUIET);
    }

    /** An image of the chain, and how it is opened to be changed. */
    private record Link(Path path, OpenOptions options) {
    }

    @Override
    int run() {
        Target top = Target.of(given, single());
        List<Link> chain = chain(new Link(top.path(), top.options()));
        Link base = chain.removeLast();
        Progress shown = new Progress(out, given.has("-p") && !given.has("-q"));
        try (Image target = Images.open(base.path(), base.options())) {
            // The lowest first: what is above it counts more.
            for (Link link : chain.reversed()) {
                commit(link, target, shown);
            }
            on(base.path(), () -> flush(target));
        }
        shown.end();
        if (!given.has("-d") && !given.has("-b")) {
            empty(chain.getFirst());
        }
        if (!given.has("-q")) {
            out.println("Image committed.");
        }
        return 0;
    }

    /** The images from the top to the one to write into. */
    private List<Link> chain(Link top) {
        List<Link> chain = new ArrayList<>(List.of(top));
        Path base = given.has("-b") ? path(given.get("-b")) : null;
        do {
            ImageInfo.Backing below = below(chain.getLast());
            if (below == null) {
                throw new UserException("image '" + chain.getLast().path() + "' has no backing file"
                        + (base == null ? "" : ": '" + base + "' is not below '" + top.path() + "'"));
            }
            if (chain.size() > MAX_CHAIN) {
                throw new UserException("backing files of image '" + top.path() + "' form a circle, or a chain of more than "
                        + MAX_CHAIN);
            }
            chain.add(new Link(below.path(), top.options().withFormat(below.format())));
        } while (base != null && !same(chain.getLast().path(), base));
        return chain;
    }

    private static ImageInfo.Backing below(Link link) {
        try (Image image = Images.inspect(link.path(), link.options().withReadOnly(true))) {
            return on(link.path(), image::info).backing().orElse(null);
        }
    }

    private static boolean same(Path a, Path b) {
        return on(b, () -> Files.isSameFile(a, b));
    }

    /** Opened alone: its backing file is what is written. */
    private void commit(Link link, Image target, Progress shown) {
        try (Image image = Images.openAlone(link.path(), link.options().withReadOnly(true))) {
            long rate = given.has("-r") ? size("-r", given.get("-r")) : 0;
            ImageCopy.Options how = new ImageCopy.Options(false, SPARSE, true, false, false, THREADS, rate, false, false);
            on(target.path(), () -> {
                if (target.size() < image.size()) {
                    target.grow(image.size());
                }
                ImageCopy.run(image, target, how, done -> shown.show(done, image.size()));
                return null;
            });
        }
    }

    private static Void flush(Image target) throws IOException {
        Common.await(target.flush());
        return null;
    }

    private static void empty(Link top) {
        try (Image image = Images.openAlone(top.path(), top.options())) {
            on(top.path(), () -> {
                image.empty();
                return null;
            });
        }
    }
}
