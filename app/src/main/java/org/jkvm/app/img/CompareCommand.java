package org.jkvm.app.img;

import java.io.IOException;
import java.util.List;
import org.jkvm.base.HostException;
import org.jkvm.base.UserException;
import org.jkvm.storage.Image;
import org.jkvm.storage.ImageCompare;

/** {@code kvm-img compare}. */
final class CompareCommand extends ImageCommand {
    private static final int DIFFERENT = 1;
    private static final int CANNOT_OPEN = 2;
    private static final int NO_STATUS = 3;
    private static final int NO_CONTENTS = 4;
    private static final int MAX_THREADS = 8;

    private final boolean strict = given.has("-s");

    CompareCommand(Words given, Console console) {
        super(given, console);
    }

    static Syntax syntax() {
        return Syntax.of("compare", "FILE1 FILE2", "Says whether two images have the same contents.",
                "Exit status: 0 they have, 1 they differ, 2 an image could not be opened, 3 its metadata and 4 its contents"
                        + " could not be read.")
                .with(Source.OPTIONS)
                .value("-F", "FORMAT", "The second image's format; found out unless given.")
                .flag("-s", "Strict: sizes and what is allocated must be the same too.")
                .with(Common.PROGRESS)
                .with(Common.QUIET);
    }

    @Override
    int run() {
        List<String> files = given.operands();
        if (files.size() != 2) {
            throw new UserException("two image file names are expected, not " + files.size(), CANNOT_OPEN);
        }
        Source source = new Source(given);
        boolean quiet = given.has("-q");
        try (Image a = open(() -> source.open(path(files.getFirst())));
                Image b = open(() -> source.open(path(files.getLast()), given.get("-F")))) {
            Progress shown = new Progress(out, given.has("-p") && !quiet);
            String difference = compare(a, b, shown);
            shown.end();
            say(difference == null ? "Images are identical." : difference);
            return difference == null ? 0 : DIFFERENT;
        }
    }

    private interface Opening {
        Image open();
    }

    private static Image open(Opening opening) {
        try {
            return opening.open();
        } catch (UserException | HostException e) {
            throw new UserException(e.getMessage(), CANNOT_OPEN);
        }
    }

    private void say(String line) {
        if (!given.has("-q")) {
            out.println(line);
        }
    }

    /** What is different, as qemu-img says it; null where nothing is. */
    private String compare(Image a, Image b, Progress shown) {
        if (strict && a.size() != b.size()) {
            return "Strict mode: Image size mismatch!";
        }
        if (a.size() != b.size()) {
            say("Warning: Image size mismatch!");
        }
        long all = Math.max(a.size(), b.size());
        int threads = Runtime.getRuntime().availableProcessors();
        try {
            return ImageCompare.run(a, b, strict, Math.min(threads, MAX_THREADS), done -> shown.show(done, all))
                    .map(CompareCommand::text).orElse(null);
        } catch (ImageCompare.StatusException e) {
            throw new UserException(e.getMessage(), NO_STATUS);
        } catch (IOException e) {
            throw new UserException(e.getMessage(), NO_CONTENTS);
        }
    }

    private static String text(ImageCompare.Difference difference) {
        return switch (difference.kind()) {
            case STATUS -> "Strict mode: Offset " + difference.offset() + " block status mismatch!";
            case CONTENTS -> "Content mismatch at offset " + difference.offset() + "!";
        };
    }
}
