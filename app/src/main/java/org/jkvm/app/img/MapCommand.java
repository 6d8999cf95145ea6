package org.jkvm.app.img;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jkvm.base.UserException;
import org.jkvm.storage.BlockStatus;
import org.jkvm.storage.Image;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kvm-img map}. */
@Command(name = "map", description = "Says where an image and its backing files keep what is in them.",
        sortOptions = false)
final class MapCommand extends ImageCommand {
    private static final String ROW = "%-16s%-16s%-16s%s%n";

    private final PrintStream out;

    @Mixin
    private OutputForm form = new OutputForm();

    @Mixin
    private SourceOptions source = new SourceOptions();

    @Option(names = {"-s", "--start-offset"}, paramLabel = "OFFSET", description = "Where to begin; 0 unless given.")
    private String start = "0";

    @Option(names = {"-l", "--max-length"}, paramLabel = "LENGTH", description = "How much to look at; all unless given.")
    private String length;

    @Parameters(paramLabel = "FILE", arity = "0..*", description = "The image.")
    private List<Path> files;

    MapCommand(PrintStream out) {
        this.out = out;
    }

    @Override
    int run() {
        Path path = single(files);
        boolean json = form.json();
        long from = size("start offset", start);
        long most = length == null ? Long.MAX_VALUE : size("length", length);
        try (Image image = source.open(path)) {
            long to = from + Math.clamp(image.size() - from, 0, most);
            return on(path, () -> json ? json(image, from, to) : table(image, from, to));
        }
    }

    private int json(Image image, long from, long to) throws IOException {
        String separator = "[";
        for (long at = from; at < to; ) {
            BlockStatus s = stretch(image, at, to);
            out.print(separator + line(s));
            separator = ",\n";
            at += s.length();
        }
        if (from == to) {
            // So does qemu-img: an entry for the place that is not there.
            out.print("[{ \"start\": " + from + ", \"length\": 0, \"depth\": 0, \"present\": false, \"zero\": false,"
                    + " \"data\": false}");
        }
        out.println("]");
        return 0;
    }

    private static String line(BlockStatus s) {
        return String.format(Locale.ROOT, "{ \"start\": %d, \"length\": %d, \"depth\": %d, \"present\": %b, \"zero\": %b,"
                + " \"data\": %b%s}", s.start(), s.length(), s.depth(), s.present(), s.zero(), s.data(),
                s.hasOffset() ? ", \"offset\": " + s.offset() : "");
    }

    private int table(Image image, long from, long to) throws IOException {
        out.printf(ROW, "Offset", "Length", "Mapped to", "File");
        for (long at = from; at < to; ) {
            BlockStatus s = stretch(image, at, to);
            if (s.data() && !s.hasOffset()) {
                throw new UserException("image '" + image.path() + "' contains compressed clusters, which are at no one"
                        + " place of the file: use --output=json");
            }
            if (s.data()) {
                out.printf(ROW, hex(s.start()), hex(s.length()), hex(s.offset()), s.file());
            }
            at += s.length();
        }
        return 0;
    }

    /** As printf's %#x: zero has no prefix. */
    private static String hex(long value) {
        return value == 0 ? "0" : "0x" + Long.toHexString(value);
    }

    /** The status at {@code from} with all that goes on in the same way. */
    private static BlockStatus stretch(Image image, long from, long to) throws IOException {
        BlockStatus all = image.status(from, to - from);
        while (all.start() + all.length() < to) {
            long end = all.start() + all.length();
            BlockStatus next = image.status(end, to - end);
            if (!continues(all, next)) {
                break;
            }
            all = new BlockStatus(from, all.length() + next.length(), all.depth(), all.kind(), all.offset(), all.file());
        }
        return all;
    }

    private static boolean continues(BlockStatus a, BlockStatus b) {
        return a.kind() == b.kind() && a.depth() == b.depth() && a.hasOffset() == b.hasOffset()
                && (!a.hasOffset() || a.offset() + a.length() == b.offset());
    }
}
