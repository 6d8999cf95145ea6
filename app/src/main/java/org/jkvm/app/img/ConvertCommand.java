package org.jkvm.app.img;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jkvm.base.HostException;
import org.jkvm.base.UserException;
import org.jkvm.storage.CacheMode;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Image;
import org.jkvm.storage.ImageCopy;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.jkvm.storage.Secret;

/** {@code kvm-img convert}. */
final class ConvertCommand extends ImageCommand {
    private static final int SECTOR = 512;
    private static final int MAX_COPIES = 16;
    private static final int USUAL_COPIES = 8;

    private final String targetFormat = given.get("-O", "raw");
    private final boolean existing = given.has("-n");

    ConvertCommand(Words given, Console console) {
        super(given, console);
    }

    static Syntax syntax() {
        return Syntax.of("convert", "SOURCE... TARGET", "Copies an image into a new one, of the same or another format.",
                "Sources are only read; several become one disk, one behind the other. A target that"
                        + " could not be finished is removed, unless it was there before.")
                .with(Source.OPTIONS)
                .value("-O", "FORMAT", "The new image's format: raw unless given; as for create.")
                .value("-o", "NAME=VALUE,...", "Options of the new image's format, as for create; '-o help' lists them.")
                .flag("-c", "Packs clusters (qcow2).")
                .value("-S", "SIZE", "Zeroes of that length are not stored; 4k unless given, 0 stores everything.")
                .value("-B -b", "FILE", "The new image's backing file: it must have the same contents as the source's.")
                .value("-F", "FORMAT", "The backing file's format.")
                .flag("-n", "Writes into an image that is there, and makes none.")
                .flag("--target-is-zero", "With -n: the image that is there reads as zeroes.")
                .value("-l", "SNAPSHOT", "Copies what a snapshot inside the source keeps, named by its id or name, or"
                        + " snapshot.id=ID or snapshot.name=NAME.")
                .value("-r", "RATE", "The most bytes to copy in a second.")
                .flag("--salvage", "What cannot be read becomes zeroes, and is told.")
                .flag("-C", "Has the host copy what it can (copy_file_range): file systems that can do that share storage."
                        + " For raw targets; zeroes in the source are not looked for.")
                .flag("--bitmaps", "Copies the dirty bitmaps of a qcow2 image into a qcow2 image too.")
                .flag("--skip-broken-bitmaps", "With --bitmaps: those that were not closed properly are left out, and told;"
                        + " else they are an error.")
                .flag("--target-image-opts", "With -n: TARGET is not a name but as for --image-opts.")
                .value("-m", "COUNT", "Pieces under way at once: 1 to 16.")
                .flag("-W", "Writes in any order: clusters then need not lie in the order of the disk.")
                .value("-t", "CACHE", "The target's caching: " + Common.CACHES + "; unsafe unless given.")
                .with(Common.PROGRESS)
                .with(Common.QUIET);
    }

    @Override
    int run() {
        CreationOptions made = new CreationOptions(format(targetFormat), given.all("-o"));
        if (made.help()) {
            out.print(made.helpText());
            return 0;
        }
        List<String> files = given.operands();
        if (files.size() < 2) {
            throw new UserException("the names of a source and a target are expected, not " + files.size());
        }
        check(made);
        Source.Place target = target(files.getLast(), made);
        try (Sources from = sources(files.subList(0, files.size() - 1), made.secret())) {
            convert(from, target, made);
        }
        return 0;
    }

    private Sources sources(List<String> files, String taken) {
        Source source = new Source(given, taken);
        String snapshot = Source.snapshot(given);
        return new Sources(files.stream().map(ImageCommand::path).<Sources.Opening>map(
                file -> () -> source.openSnapshot(file, snapshot)).toList());
    }

    private void check(CreationOptions made) {
        String backingFile = given.get("-B");
        if (given.has("-c") && !targetFormat.equals("qcow2") && !packsAlways(made)) {
            throw new UserException("-c: " + targetFormat + " images have no packed clusters; qcow2 has");
        }
        if (existing && (given.has("-o") || backingFile != null)) {
            throw new UserException("-n makes no image: -o and -B have no meaning then");
        }
        if (given.has("--target-is-zero") && !existing) {
            throw new UserException("--target-is-zero goes with -n");
        }
        made.putGiven("backing_file", backingFile);
        made.putGiven("backing_fmt", given.get("-F"));
        if (made.get("backing_file") != null && made.get("backing_fmt") == null) {
            throw new UserException("a backing file needs its format: -F FORMAT");
        }
        if (made.get("backing_file") != null && given.operands().size() > 2) {
            throw new UserException("-B goes with one source, not with several");
        }
        checkBitmaps(made);
        if (given.has("-C") && given.has("-c")) {
            throw new UserException("-C and -c do not go together: the host packs nothing");
        }
        if (given.has("--target-image-opts") && !existing) {
            throw new UserException("--target-image-opts goes with -n");
        }
        if (made.get("size") != null) {
            throw new UserException("-o size: the new image is as large as the source");
        }
    }

    private void checkBitmaps(CreationOptions made) {
        if (given.has("--skip-broken-bitmaps") && !given.has("--bitmaps")) {
            throw new UserException("--skip-broken-bitmaps goes with --bitmaps");
        }
        if (!given.has("--bitmaps")) {
            return;
        }
        if (given.operands().size() > 2) {
            throw new UserException("--bitmaps goes with one source, not with several");
        }
        if (given.has("-l")) {
            throw new UserException("--bitmaps and -l do not go together: bitmaps are about the disk as it is now");
        }
        if (!targetFormat.equals("qcow2") || made.version() == 2) {
            throw new UserException("--bitmaps needs a target of format qcow2, compat=1.1: others have no bitmaps inside");
        }
    }

    /** Whether the format has packed clusters only. */
    private static boolean packsAlways(CreationOptions made) {
        return "streamOptimized".equals(made.get("subformat"));
    }

    private Source.Place target(String name, CreationOptions made) {
        return given.has("--target-image-opts")
                ? Source.described("--target-image-opts", name, new Secrets(given), made.secret(), false)
                : new Source.Place(path(name), targetFormat, new Secrets(given).named(made.secret()), false);
    }

    private void convert(Sources from, Source.Place place, CreationOptions options) {
        Path to = place.path();
        Secret secret = place.secret();
        CreateOptions made = options.build(from.size(), options.get("backing_file"), options.get("backing_fmt"))
                .withSecret(secret);
        ImageCopy.Options how = how(made);
        CacheMode cache = Common.cache("-t", given.get("-t", "unsafe"));
        OpenOptions opened = OpenOptions.defaults().withFormat(format(place.format()))
                .withCache(cache).withThreads(how.threads())
                .withSecret(secret).withFilling(true);
        Optional<BitmapCopy> bitmaps = given.has("--bitmaps")
                ? Optional.of(BitmapCopy.of(from.first(), given.has("--skip-broken-bitmaps"), err)) : Optional.empty();
        boolean removable = !existing && Files.notExists(to);
        if (!existing) {
            Images.create(to, made, cache);
        }
        try (Image target = Images.open(to, opened)) {
            copy(from, target, how);
            bitmaps.ifPresent(b -> on(to, () -> {
                b.to(target);
                return null;
            }));
        } catch (UserException | HostException e) {
            if (removable) {
                to.toFile().delete();
            }
            throw e;
        }
    }

    private ImageCopy.Options how(CreateOptions made) {
        long zeroes = size("-S", given.get("-S", "4k"));
        if (zeroes % SECTOR != 0 || zeroes > 1 << 30) {
            throw new UserException("-S " + given.get("-S") + ": a multiple of 512, at most 1G, is allowed");
        }
        boolean onBacking = made.backingFile() != null;
        int threads = given.has("-m") ? number("-m", given.get("-m"), 1, MAX_COPIES)
                : Math.min(USUAL_COPIES, Runtime.getRuntime().availableProcessors());
        boolean zero = existing ? given.has("--target-is-zero") : !onBacking && !targetFormat.equals("luks");
        boolean pack = given.has("-c") || "streamOptimized".equals(made.more().get("subformat"));
        long rate = given.has("-r") ? size("-r", given.get("-r")) : 0;
        return new ImageCopy.Options(pack, (int) zeroes, onBacking, zero, given.has("-W"), threads, rate,
                given.has("--salvage"), given.has("-C"));
    }

    private void copy(Sources from, Image to, ImageCopy.Options how) {
        boolean quiet = given.has("-q");
        if (!quiet) {
            to.warnings().forEach(err::println);
        }
        Progress shown = new Progress(out, given.has("-p") && !quiet);
        on(to.path(), () -> {
            from.copy(to, how, new ImageCopy.Watcher() {
                @Override
                public void done(long bytes) {
                    shown.show(bytes, from.size());
                }

                @Override
                public void lost(long offset, long length, IOException why) {
                    if (!quiet) {
                        err.println("kvm-img: " + length + " bytes at " + offset + " became zeroes: " + why.getMessage());
                    }
                }
            });
            return null;
        });
        shown.end();
    }
}
