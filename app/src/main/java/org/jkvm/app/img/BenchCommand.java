package org.jkvm.app.img;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.jkvm.base.UserException;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;

/** {@code kvm-img bench}. */
final class BenchCommand extends ImageCommand {
    private static final int SECTOR = 512;
    private static final int MOST_AT_ONCE = 1024;

    private final int count = number("-c", given.get("-c", "75000"), 1, Integer.MAX_VALUE);
    private final int depth = number("-d", given.get("-d", "64"), 1, MOST_AT_ONCE);
    private final int length = (int) Math.min(Integer.MAX_VALUE, size("-s", given.get("-s", "4k")));
    private final long step = given.has("-S") ? size("-S", given.get("-S")) : length;
    private final long start = size("-o", given.get("-o", "0"));
    private final boolean write = given.has("-w");
    private final int flushEvery = number("--flush-interval", given.get("--flush-interval", "0"), 0, Integer.MAX_VALUE);

    BenchCommand(Words given, Console console) {
        super(given, console);
    }

    static Syntax syntax() {
        return Syntax.of("bench", "FILE", "Measures how fast an image is read or written.",
                "With -w the image's contents are lost.")
                .value("-c", "COUNT", "How many requests; 75000 unless given.")
                .value("-d", "DEPTH", "How many of them are under way at once; 64 unless given.")
                .value("-s", "SIZE", "Bytes of a request, a multiple of 512; 4k unless given.")
                .value("-S", "SIZE", "From one request's offset to the next one's; the size of a request unless given.")
                .value("-o", "OFFSET", "Where to begin; 0 unless given.")
                .flag("-w", "Writes, and does not read.")
                .value("--pattern", "BYTE", "With -w: what is written, 0 to 255; 0 unless given.")
                .value("--flush-interval", "COUNT", "With -w: flushes after so many requests.")
                .flag("--no-drain", "With --flush-interval: requests go on while a flush is under way.")
                .with(Target.OPTIONS)
                .flag("-U --force-share", "Looks at the image even where it is in use.")
                .with(Common.QUIET);
    }

    @Override
    int run() {
        check();
        Target target = write ? Target.of(given, single()) : Target.toRead(given, single());
        try (Image image = Images.open(target.path(), target.options()); Arena arena = Arena.ofShared()) {
            if (start > image.size() - length) {
                throw new UserException("-o " + start + ": the disk has " + image.size() + " bytes");
            }
            say(String.format(Locale.ROOT, "Sending %d %s requests, %d bytes each, %d in parallel (starting at offset %d,"
                    + " step size %d)", count, write ? "write" : "read", length, depth, start, step));
            MemorySegment buffer = arena.allocate(length, SECTOR).fill((byte) pattern());
            long begin = System.nanoTime();
            send(image, buffer);
            say(String.format(Locale.ROOT, "Run completed in %3.3f seconds.",
                    (System.nanoTime() - begin) / (double) TimeUnit.SECONDS.toNanos(1)));
        }
        return 0;
    }

    private int pattern() {
        return number("--pattern", given.get("--pattern", "0"), 0, 255);
    }

    private void check() {
        if (length == 0 || (length | step | start) % SECTOR != 0) {
            throw new UserException("-s, -S and -o are multiples of " + SECTOR + ", and -s is not 0");
        }
        if (!write && (flushEvery > 0 || given.has("--pattern"))) {
            throw new UserException("--flush-interval and --pattern go with -w");
        }
        if (given.has("--no-drain") && flushEvery == 0) {
            throw new UserException("--no-drain goes with --flush-interval");
        }
    }

    private void say(String line) {
        if (!given.has("-q")) {
            out.println(line);
        }
    }

    private void send(Image image, MemorySegment buffer) {
        Deque<CompletableFuture<?>> underWay = new ArrayDeque<>();
        long at = start;
        for (int i = 1; i <= count; i++) {
            while (underWay.size() >= depth) {
                await(image, underWay.removeFirst());
            }
            underWay.add(write ? image.write(at, buffer) : image.read(at, buffer));
            at = at + step > image.size() - length ? start : at + step;
            if (flushEvery > 0 && i % flushEvery == 0) {
                flush(image, underWay);
            }
        }
        underWay.forEach(request -> await(image, request));
    }

    private void flush(Image image, Deque<CompletableFuture<?>> underWay) {
        while (!given.has("--no-drain") && !underWay.isEmpty()) {
            await(image, underWay.removeFirst());
        }
        underWay.add(image.flush());
    }

    private static void await(Image image, CompletableFuture<?> request) {
        try {
            request.join();
        } catch (CompletionException e) {
            throw new UserException("image '" + image.path() + "': " + e.getCause().getMessage());
        }
    }
}
