package org.jkvm.app.img;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jkvm.base.UserException;
import org.jkvm.storage.CheckResult;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kvm-img check}: nothing is written. */
@Command(name = "check", description = {"Examines an image's metadata and changes nothing.",
    "Exit status: 0 nothing wrong, 1 could not be examined, 2 corrupt, 3 clusters leaked,"
        + " 63 the format has nothing to examine."},
        sortOptions = false)
final class CheckCommand extends ImageCommand {
    private static final int CORRUPT = 2;
    private static final int LEAKS = 3;
    private static final int NOTHING_TO_CHECK = 63;

    private final PrintStream out;
    private final PrintStream err;

    @Mixin
    private OutputForm form = new OutputForm();

    @Option(names = "-f", paramLabel = "FORMAT", description = "The image's format; found out unless given.")
    private String format;

    @Option(names = "-q", description = "Says nothing but errors.")
    private boolean quiet;

    @Option(names = {"-U", "--force-share"}, description = "Looks at the image even where it is in use.")
    private boolean forceShare;

    @Parameters(paramLabel = "FILE", arity = "0..*", description = "The image.")
    private List<Path> files;

    CheckCommand(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    @Override
    int run() {
        Path path = single(files);
        boolean json = form.json();
        OpenOptions options = OpenOptions.defaults().withFormat(format(format)).withForceShare(forceShare);
        try (Image image = Images.inspect(path, options)) {
            CheckResult result = on(path, image::check)
                    .orElseThrow(() -> new UserException("format " + image.format() + " of image '" + path
                            + "' has nothing to check", NOTHING_TO_CHECK));
            if (json) {
                out.println(Json.text(InfoJson.of(path, image.format(), result)));
            } else if (!quiet) {
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
