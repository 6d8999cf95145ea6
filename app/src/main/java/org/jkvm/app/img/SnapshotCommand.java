package org.jkvm.app.img;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.jkvm.base.UserException;
import org.jkvm.storage.Image;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.Images;
import org.jkvm.storage.Snapshots;

/** {@code kvm-img snapshot}. */
final class SnapshotCommand extends ImageCommand {
    private static final List<String> ACTIONS = List.of("-l", "-c", "-a", "-d");

    SnapshotCommand(Words given, Console console) {
        super(given, console);
    }

    static Syntax syntax() {
        return Syntax.of("snapshot", "FILE", "Lists, makes, applies and deletes the snapshots inside an image.",
                "A snapshot keeps the disk's contents of a moment; it takes storage only for what changes afterwards.")
                .flag("-l", "Lists the snapshots; so does no option at all.")
                .value("-c", "NAME", "Makes a snapshot.")
                .value("-a", "SNAPSHOT", "Applies a snapshot, named by its id or name: the disk's contents become those of"
                        + " then, and what it holds now is lost.")
                .value("-d", "SNAPSHOT", "Deletes a snapshot.")
                .with(Source.OPTIONS)
                .with(Common.QUIET)
                .examples("kvm-img snapshot -c before-upgrade disk.qcow2", "kvm-img snapshot -a before-upgrade disk.qcow2");
    }

    @Override
    boolean onlyLooks() {
        return !given.has("-c") && !given.has("-a") && !given.has("-d");
    }

    @Override
    int run() {
        Path path = single();
        List<String> actions = given.keys().stream().filter(ACTIONS::contains).toList();
        if (actions.size() > 1) {
            throw new UserException(String.join(" and ", actions) + " do not go together");
        }
        String action = actions.isEmpty() ? "-l" : actions.getFirst();
        if (action.equals("-l")) {
            list(path);
        } else {
            Target target = Target.of(given, path);
            try (Image image = Images.open(target.path(), target.options())) {
                on(target.path(), () -> change(action, snapshots(image)));
            }
        }
        return 0;
    }

    private void list(Path path) {
        try (Image image = new Source(given).inspect(path)) {
            List<ImageInfo.Snapshot> all = on(path, () -> image.snapshots().isPresent() ? image.snapshots().get().list()
                    : List.of());
            if (!all.isEmpty()) {
                out.print(InfoText.snapshots(all));
            }
        }
    }

    private static Snapshots snapshots(Image image) {
        return image.snapshots().orElseThrow(() -> new UserException("image '" + image.path()
                + "' can have no snapshots inside: qcow2 images can"));
    }

    private Void change(String action, Snapshots snapshots) throws IOException {
        switch (action) {
            case "-c" -> snapshots.create(label(given.get("-c")));
            case "-a" -> snapshots.apply(given.get("-a"));
            default -> snapshots.delete(given.get("-d"));
        }
        return null;
    }

    private static Snapshots.Label label(String name) {
        Instant now = Instant.now();
        return new Snapshots.Label(name, now.getEpochSecond(), now.getNano(), 0);
    }
}
