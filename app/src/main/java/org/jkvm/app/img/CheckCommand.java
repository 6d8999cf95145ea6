package org.jkvm.app.img;

import java.nio.file.Path;
import java.util.Locale;
import org.jkvm.base.UserException;
import org.jkvm.storage.CheckResult;
import org.jkvm.storage.Image;

/** {@code kvm-img check}: nothing is written. */
final class CheckCommand extends ImageCommand {
    private static final int CORRUPT = 2;
    private static final int LEAKS = 3;
    private static final int NOTHING_TO_CHECK = 63;

    CheckCommand(Words given, Console console) {
        super(given, console);
    }

    static Syntax syntax() {
        return Syntax.of("check", "FILE", "Examines an image's metadata and changes nothing.",
                "Exit status: 0 nothing wrong, 1 could not be examined, 2 corrupt, 3 clusters leaked, 63 the format has"
                        + " nothing to examine.")
                .with(Source.OPTIONS)
                .with(Common.OUTPUT)
                .with(Common.QUIET);
    }

    @Override
    int run() {
        Path path = single();
        boolean json = json();
        try (Image image = new Source(given).inspect(path)) {
            CheckResult result = on(path, image::check)
                    .orElseThrow(() -> new UserException("format " + image.format() + " of image '" + path
                            + "' has nothing to check", NOTHING_TO_CHECK));
            if (json) {
                out.println(Json.text(InfoJson.of(path, image.format(), result)));
            } else if (!given.has("-q")) {
                print(result);
            }
            return status(result);
        }
    }

    private static int status(CheckResult result) {
        if (result.checkErrors() > 0) {
            return UserException.FAILED;
        }
        return result.corruptions() > 0 ? CORRUPT : result.leaks() > 0 ? LEAKS : 0;
    }

    private void print(CheckResult result) {
        result.messages().forEach(err::println);
        if (result.clean()) {
            out.println("No errors were found on the image.");
        }
        if (result.corruptions() > 0) {
            out.printf("%n%d errors were found on the image.%n"
                    + "Data may be corrupt; writing to the image may make it worse.%n",
                    result.corruptions());
        }
        if (result.leaks() > 0) {
            out.printf("%n%d leaked clusters were found on the image.%nThey waste space and do no harm to data.%n",
                    result.leaks());
        }
        if (result.allocatedClusters() > 0) {
            out.println(allocation(result));
        }
        out.println("Image end offset: " + result.imageEndOffset());
    }

    private static String allocation(CheckResult r) {
        return String.format(Locale.ROOT, "%d/%d = %.2f%% allocated, %.2f%% fragmented, %.2f%% compressed clusters",
                r.allocatedClusters(), r.totalClusters(), r.allocatedClusters() * 100.0 / r.totalClusters(),
                r.fragmentedClusters() * 100.0 / r.allocatedClusters(),
                r.compressedClusters() * 100.0 / r.allocatedClusters());
    }
}
