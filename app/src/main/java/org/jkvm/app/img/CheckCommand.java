package org.jkvm.app.img;

import java.nio.file.Path;
import org.jkvm.base.UserException;
import org.jkvm.storage.CheckResult;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.jkvm.storage.RepairResult;

/** {@code kvm-img check}: nothing is written. */
final class CheckCommand extends ImageCommand {
    private static final int CORRUPT = 2;
    private static final int LEAKS = 3;
    private static final int NOTHING_TO_CHECK = 63;

    CheckCommand(Words given, Console console) {
        super(given, console);
    }

    static Syntax syntax() {
        return Syntax.of("check", "FILE", "Examines an image's metadata, and repairs it with -r.",
                "Exit status: 0 nothing wrong, or all repaired, 1 could not be examined, 2 corrupt, 3 clusters leaked, 63 the"
                        + " format has nothing to examine.")
                .with(Source.OPTIONS)
                .value("-r", "WHAT", "Repairs: 'leaks' gives clusters back that nothing refers to, 'all' puts right"
                        + " reference counts and flags too. Data is never touched. The image must not be in use.")
                .with(Common.OUTPUT)
                .with(Common.QUIET);
    }

    @Override
    boolean onlyLooks() {
        return !given.has("-r");
    }

    @Override
    int run() {
        Path path = single();
        boolean json = json();
        if (given.has("-r")) {
            repair(path, json);
        }
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

    /** What was repaired is told; what is wrong afterwards is for the check that follows. */
    private void repair(Path path, boolean json) {
        boolean all = switch (given.get("-r")) {
            case "all" -> true;
            case "leaks" -> false;
            default -> throw new UserException("-r " + given.get("-r") + ": leaks or all is allowed");
        };
        if (given.has("-U")) {
            throw new UserException("-r changes the image: it does not go with -U");
        }
        OpenOptions options = OpenOptions.defaults().withFormat(format(given.get("-f")));
        RepairResult result = Images.repair(path, options, all).orElse(null);
        boolean repaired = result != null && result.corruptionsFixed() + result.leaksFixed() > 0;
        if (repaired && !json && !given.has("-q")) {
            result.found().messages().forEach(line -> err.println("Repaired: " + line));
            out.printf("The following inconsistencies were found and repaired:%n%n    %d leaked clusters%n"
                    + "    %d corruptions%n%n", result.leaksFixed(), result.corruptionsFixed());
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
        return r.allocatedClusters() + "/" + r.totalClusters() + " = " + percent(r.allocatedClusters(), r.totalClusters())
                + " allocated, " + percent(r.fragmentedClusters(), r.allocatedClusters()) + " fragmented, "
                + percent(r.compressedClusters(), r.allocatedClusters()) + " compressed clusters";
    }

    /** With two digits behind the point; without a Formatter, whose start takes longer than a small image's check. */
    private static String percent(long part, long whole) {
        long hundredths = Math.round(part * 10000.0 / whole);
        return hundredths / 100 + (hundredths % 100 < 10 ? ".0" : ".") + hundredths % 100 + "%";
    }
}
