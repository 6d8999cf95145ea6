package org.jkvm.app.img;

import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jkvm.base.HostException;
import org.jkvm.base.UserException;
import org.jkvm.storage.CacheMode;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Image;
import org.jkvm.storage.ImageCopy;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kvm-img convert}. */
@Command(name = "convert", description = {"Copies an image into a new one, of the same or another format.",
    "The source is only read. A target that could not be finished is removed, unless it was there before."},
        sortOptions = false)
final class ConvertCommand extends ImageCommand {
    private static final int SECTOR = 512;
    private static final int MAX_COPIES = 16;
    private static final int USUAL_COPIES = 8;

    private final PrintStream out;
    private final PrintStream err;

    @Mixin
    private SourceOptions source = new SourceOptions();

    @Option(names = "-O", paramLabel = "FORMAT", description = "The new image's format: raw (the default) or qcow2.")
    private String targetFormat = "raw";

    @Option(names = "-o", paramLabel = "NAME=VALUE,...",
            description = "Options of the new image's format, as for create; '-o help' lists them.")
    private List<String> options = List.of();

    @Option(names = "-c", description = "Packs clusters (qcow2).")
    private boolean compress;

    @Option(names = "-S", paramLabel = "SIZE",
            description = "Zeroes of that length are not stored; 4k unless given, 0 stores everything.")
    private String sparse = "4k";

    @Option(names = {"-B", "-b"}, paramLabel = "FILE", description = "The new image's backing file: it must have the same"
            + " contents as the source's.")
    private String backingFile;

    @Option(names = "-F", paramLabel = "FORMAT", description = "The backing file's format.")
    private String backingFormat;

    @Option(names = "-n", description = "Writes into an image that is there, and makes none.")
    private boolean existing;

    @Option(names = "--target-is-zero", description = "With -n: the image that is there reads as zeroes.")
    private boolean targetIsZero;

    @Option(names = "-m", paramLabel = "COUNT", description = "Pieces under way at once: 1 to 16.")
    private Integer copies;

    @Option(names = "-W", description = "Writes in any order: faster to a raw file, worse order in others.")
    private boolean anyOrder;

    @Option(names = "-t", paramLabel = "CACHE", description = "The target's caching: unsafe (the default), writeback, none.")
    private String cache = "unsafe";

    @Option(names = "-p", description = "Shows progress.")
    private boolean progress;

    @Option(names = "-q", description = "Says nothing.")
    private boolean quiet;

    @Parameters(paramLabel = "SOURCE TARGET", arity = "0..*", description = "The image, and the new one.")
    private List<Path> files = List.of();

    ConvertCommand(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    @Override
    int run() {
        CreationOptions given = new CreationOptions(format(targetFormat), options);
        if (given.help()) {
            out.print(given.helpText());
            return 0;
        }
        if (files.size() != 2) {
            throw new UserException("a source and a target are expected, not " + files.size() + " image file names");
        }
        check(given);
        try (Image from = source.open(files.getFirst())) {
            convert(from, files.getLast(), given);
        }
        return 0;
    }

    private void check(CreationOptions given) {
        if (compress && targetFormat.equals("raw")) {
            throw new UserException("-c: raw images have no packed clusters; qcow2 has");
        }
        if (existing && (!options.isEmpty() || backingFile != null)) {
            throw new UserException("-n makes no image: -o and -B have no meaning then");
        }
        if (targetIsZero && !existing) {
            throw new UserException("--target-is-zero goes with -n");
        }
        if (backingFile != null) {
            given.put("backing_file", backingFile);
        }
        if (backingFormat != null) {
            given.put("backing_fmt", backingFormat);
        }
        if (given.get("backing_file") != null && given.get("backing_fmt") == null) {
            throw new UserException("a backing file needs its format: -F FORMAT");
        }
        if (given.get("size") != null) {
            throw new UserException("-o size: the new image is as large as the source");
        }
    }

    private void convert(Image from, Path to, CreationOptions given) {
        CreateOptions made = given.build(from.size(), given.get("backing_file"), given.get("backing_fmt"));
        ImageCopy.Options how = how(made);
        OpenOptions opened = OpenOptions.defaults().withFormat(targetFormat).withCache(cache()).withThreads(how.threads());
        boolean removable = !existing && Files.notExists(to);
        if (!existing) {
            Images.create(to, made);
        }
        try (Image target = Images.open(to, opened)) {
            copy(from, target, how);
        } catch (UserException | HostException e) {
            if (removable) {
                to.toFile().delete();
            }
            throw e;
        }
    }

    private ImageCopy.Options how(CreateOptions made) {
        long zeroes = size("-S", sparse);
        if (zeroes % SECTOR != 0 || zeroes > 1 << 30) {
            throw new UserException("-S " + sparse + ": a multiple of 512, at most 1G, is allowed");
        }
        boolean onBacking = made.backingFile() != null;
        int threads = copies == null ? Math.min(USUAL_COPIES, Runtime.getRuntime().availableProcessors())
                : number("-m", copies, 1, MAX_COPIES);
        return new ImageCopy.Options(compress, (int) zeroes, onBacking, existing ? targetIsZero : !onBacking, anyOrder,
                threads);
    }

    private CacheMode cache() {
        return switch (cache) {
            case "unsafe" -> CacheMode.UNSAFE;
            case "writeback" -> CacheMode.WRITEBACK;
            case "none" -> CacheMode.NONE;
            default -> throw new UserException("-t " + cache + ": unsafe, writeback or none is allowed");
        };
    }

    private void copy(Image from, Image to, ImageCopy.Options how) {
        if (!quiet) {
            to.warnings().forEach(err::println);
        }
        Progress shown = new Progress(out, progress && !quiet);
        on(to.path(), () -> {
            ImageCopy.run(from, to, how, done -> shown.show(done, from.size()));
            return null;
        });
        shown.end();
    }
}
