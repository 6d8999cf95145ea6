package org.jkvm.app.img;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jkvm.base.Bits;
import org.jkvm.base.UserException;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Image;
import org.jkvm.storage.Measure;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kvm-img measure}. */
@Command(name = "measure", description = "Says how large the file of a new image would become.", sortOptions = false)
final class MeasureCommand extends ImageCommand {
    private static final int SECTOR = 512;

    private final PrintStream out;

    @Mixin
    private OutputForm form = new OutputForm();

    @Mixin
    private SourceOptions source = new SourceOptions();

    @Option(names = "-O", paramLabel = "FORMAT", description = "The new image's format: raw (the default) or qcow2.")
    private String targetFormat = "raw";

    @Option(names = "-o", paramLabel = "NAME=VALUE,...", description = "Options of that format, as for create.")
    private List<String> options = List.of();

    @Option(names = "--size", paramLabel = "SIZE", description = "Measures an empty disk of that size; no FILE then.")
    private String size;

    @Parameters(paramLabel = "FILE", arity = "0..*", description = "What would be converted.")
    private List<Path> files;

    MeasureCommand(PrintStream out) {
        this.out = out;
    }

    @Override
    int run() {
        boolean json = form.json();
        CreationOptions given = new CreationOptions(format(targetFormat), options);
        Measure measured = size == null ? image(single(files), given) : empty(given);
        if (json) {
            Map<String, Object> tree = new LinkedHashMap<>();
            tree.put("required", measured.required());
            tree.put("fully-allocated", measured.fullyAllocated());
            out.println(Json.text(tree));
        } else {
            out.println("required size: " + measured.required());
            out.println("fully allocated size: " + measured.fullyAllocated());
        }
        return 0;
    }

    private Measure empty(CreationOptions given) {
        if (files != null) {
            throw new UserException("either --size or an image file name is expected, not both");
        }
        long bytes = size("size", size);
        if (bytes > Long.MAX_VALUE - SECTOR) {
            throw new UserException("size " + bytes + " is too large");
        }
        return Measure.empty(build(given, Bits.alignUp(bytes, SECTOR)));
    }

    private Measure image(Path path, CreationOptions given) {
        try (Image image = source.open(path)) {
            return on(path, () -> measure(image, given));
        }
    }

    private static Measure measure(Image image, CreationOptions given) throws IOException {
        return Measure.of(image, build(given, image.size()));
    }

    private static CreateOptions build(CreationOptions given, long size) {
        return given.build(size, given.get("backing_file"), given.get("backing_fmt"));
    }
}
