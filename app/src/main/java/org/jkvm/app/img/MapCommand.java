package org.jkvm.app.img;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import org.jkvm.base.UserException;
import org.jkvm.storage.BlockStatus;
import org.jkvm.storage.Image;

/** {@code kvm-img map}. */
final class MapCommand extends ImageCommand {
    private static final String ROW = "%-16s%-16s%-16s%s%n";

    MapCommand(Words given, Console console) {
        super(given, console);
    }

    static Syntax syntax() {
        return Syntax.of("map", "FILE", "Says where an image and its backing files keep what is in them.")
                .with(Source.OPTIONS)
                .value("--start-offset -s", "OFFSET", "Where to begin; 0 unless given.")
                .value("--max-length -l", "LENGTH", "How much to look at; all unless given.")
                .with(Common.OUTPUT);
    }

    @Override
    boolean onlyLooks() {
        return true;
    }

    @Override
    int run() {
        Path path = single();
        boolean json = json();
        long from = size("start offset", given.get("--start-offset", "0"));
        String length = given.get("--max-length");
        long most = length == null ? Long.MAX_VALUE : size("length", length);
        try (Image image = new Source(given).open(path)) {
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
