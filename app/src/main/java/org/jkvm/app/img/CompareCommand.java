package org.jkvm.app.img;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jkvm.base.Bits;
import org.jkvm.base.HostException;
import org.jkvm.base.UserException;
import org.jkvm.storage.BlockStatus;
import org.jkvm.storage.Image;

/** {@code kvm-img compare}. */
final class CompareCommand extends ImageCommand {
    private static final int DIFFERENT = 1;
    private static final int CANNOT_OPEN = 2;
    private static final int NO_STATUS = 3;
    private static final int NO_CONTENTS = 4;
    private static final int PIECE = 2 << 20;
    private static final int SECTOR = 512;

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
                Image b = open(() -> source.open(path(files.getLast()), given.get("-F")));
                Arena arena = Arena.ofShared()) {
            Progress shown = new Progress(out, given.has("-p") && !quiet);
            String difference = difference(a, b, arena, shown);
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
    private String difference(Image a, Image b, Arena arena, Progress shown) {
        if (strict && a.size() != b.size()) {
            return "Strict mode: Image size mismatch!";
        }
        long common = Math.min(a.size(), b.size());
        long all = Math.max(a.size(), b.size());
        Pair pair = new Pair(a, b, arena.allocate(PIECE), arena.allocate(PIECE));
        for (long at = 0; at < common; ) {
            BlockStatus one = status(a, at, common);
            BlockStatus two = status(b, at, common);
            if (strict && !alike(one, two)) {
                return "Strict mode: Offset " + at + " block status mismatch!";
            }
            boolean zero = one.zero() && two.zero();
            long length = Math.min(Math.min(one.length(), two.length()), zero ? Long.MAX_VALUE : PIECE);
            long mismatch = zero ? -1 : pair.mismatch(at, length);
            if (mismatch >= 0) {
                return mismatchAt(at + mismatch);
            }
            at += length;
            shown.show(at, all);
        }
        return common == all ? null : beyond(a.size() > b.size() ? a : b, common, pair);
    }

    private static String mismatchAt(long offset) {
        return "Content mismatch at offset " + Bits.alignDown(offset, SECTOR) + "!";
    }

    private static BlockStatus status(Image image, long at, long end) {
        try {
            return image.status(at, end - at);
        } catch (IOException e) {
            throw new UserException("image '" + image.path() + "': " + e.getMessage(), NO_STATUS);
        }
    }

    private static boolean alike(BlockStatus a, BlockStatus b) {
        return a.present() == b.present() && a.zero() == b.zero() && a.hasOffset() == b.hasOffset();
    }

    /** The longer image must read as zeroes from the shorter one's end on. */
    private String beyond(Image longer, long from, Pair pair) {
        say("Warning: Image size mismatch!");
        for (long at = from; at < longer.size(); ) {
            BlockStatus status = status(longer, at, longer.size());
            long length = status.zero() ? status.length() : Math.min(status.length(), PIECE);
            long mismatch = status.zero() ? -1 : pair.nonZero(longer, at, length);
            if (mismatch >= 0) {
                return mismatchAt(at + mismatch);
            }
            at += length;
        }
        return null;
    }

    /** Two images and memory to compare them in. */
    private record Pair(Image a, Image b, MemorySegment bufferA, MemorySegment bufferB) {
        /** Where the images differ, counted from {@code at}; -1 where they don't. */
        long mismatch(long at, long length) {
            CompletableFuture<Void> first = a.read(at, bufferA.asSlice(0, length));
            CompletableFuture<Void> second = b.read(at, bufferB.asSlice(0, length));
            await(a, first);
            await(b, second);
            return bufferA.asSlice(0, length).mismatch(bufferB.asSlice(0, length));
        }

        long nonZero(Image image, long at, long length) {
            await(image, image.read(at, bufferA.asSlice(0, length)));
            return bufferA.asSlice(0, length).mismatch(bufferB.asSlice(0, length).fill((byte) 0));
        }

        private static void await(Image image, CompletableFuture<Void> read) {
            try {
                read.join();
            } catch (CompletionException e) {
                throw new UserException("image '" + image.path() + "': " + e.getCause().getMessage(), NO_CONTENTS);
            }
        }
    }
}
