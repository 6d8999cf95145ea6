package org.jkvm.app.img;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jkvm.base.Bits;
import org.jkvm.base.UserException;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Image;
import org.jkvm.storage.Measure;

/** {@code kvm-img measure}. */
final class MeasureCommand extends ImageCommand {
    private static final int SECTOR = 512;

    MeasureCommand(Words given, Console console) {
        super(given, console);
    }

    static Syntax syntax() {
        return Syntax.of("measure", "[FILE]", "Says how large the file of a new image would become.",
                "FILE is what would be converted.")
                .with(Source.OPTIONS)
                .value("-O", "FORMAT", "The new image's format: raw (the default), qcow2 or luks.")
                .value("-o", "NAME=VALUE,...", "Options of that format, as for create.")
                .value("-l", "SNAPSHOT", "Measures what a snapshot inside FILE keeps, named as for convert.")
                .value("--size", "SIZE", "Measures an empty disk of that size; no FILE then.")
                .with(Common.OUTPUT);
    }

    @Override
    boolean onlyLooks() {
        return true;
    }

    @Override
    int run() {
        boolean json = json();
        CreationOptions made = new CreationOptions(format(given.get("-O", "raw")), given.all("-o"));
        Measure measured = given.has("--size") ? empty(made) : image(single(), made);
        if (json) {
            Map<String, Object> tree = new LinkedHashMap<>();
            measured.bitmaps().ifPresent(bytes -> tree.put("bitmaps", bytes));
            tree.put("required", measured.required());
            tree.put("fully-allocated", measured.fullyAllocated());
            out.println(Json.text(tree));
        } else {
            out.println("required size: " + measured.required());
            out.println("fully allocated size: " + measured.fullyAllocated());
            measured.bitmaps().ifPresent(bytes -> out.println("bitmaps size: " + bytes));
        }
        return 0;
    }

    private Measure empty(CreationOptions made) {
        if (!given.operands().isEmpty() || given.has("-l")) {
            throw new UserException("either --size or an image file name is expected, not both");
        }
        long bytes = size("size", given.get("--size"));
        if (bytes > Long.MAX_VALUE - SECTOR) {
            throw new UserException("size " + bytes + " is too large");
        }
        return Measure.empty(build(made, Bits.alignUp(bytes, SECTOR)));
    }

    private Measure image(Path path, CreationOptions made) {
        try (Image image = new Source(given, made.secret()).openSnapshot(path, Source.snapshot(given))) {
            return on(path, () -> measure(image, made));
        }
    }

    private Measure measure(Image image, CreationOptions made) throws IOException {
        return Measure.of(image, build(made, image.size()));
    }

    private CreateOptions build(CreationOptions made, long size) {
        return made.build(size, made.get("backing_file"), made.get("backing_fmt"))
                .withSecret(new Secrets(given).named(made.secret()));
    }
}
