package org.jkvm.app.img;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jkvm.app.cli.Suggestion;
import org.jkvm.base.Bits;
import org.jkvm.base.UserException;
import org.jkvm.storage.CacheMode;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;

/** {@code kvm-img dd}. */
final class DdCommand extends ImageCommand {
    private static final List<String> OPERANDS = List.of("bs", "count", "if", "of", "skip");
    private static final int SECTOR = 512;
    private static final int PIECE = 1 << 20;

    private final Map<String, String> operands = new HashMap<>();

    DdCommand(Words given, Console console) {
        super(given, console);
    }

    static Syntax syntax() {
        return Syntax.of("dd", "[bs=SIZE] [count=N] [skip=N] if=FILE of=FILE",
                "Copies a part of an image's contents into a new image.",
                "if= is the image and of= the new one. bs= is the size of a block, 512 unless given; count= says how many"
                        + " blocks of the image there are as far as this command goes, skip= how many of them are left out"
                        + " at its beginning, as in qemu-img.")
                .value("-O", "FORMAT", "The new image's format; raw unless given.")
                .with(Source.OPTIONS)
                .examples("kvm-img dd bs=512 count=1 if=disk.qcow2 of=boot-sector.raw");
    }

    @Override
    int run() {
        given.operands().forEach(this::operand);
        Path from = file("if");
        Path to = file("of");
        long block = number("bs", SECTOR);
        if (block == 0 || block > Integer.MAX_VALUE) {
            throw new UserException("bs=" + operands.get("bs") + ": 1 to 2G - 1 is allowed");
        }
        try (Image source = new Source(given).open(from)) {
            long end = Math.min(source.size(), times(number("count", Long.MAX_VALUE), block));
            long start = times(number("skip", 0), block);
            if (start > end) {
                throw new UserException("skip=" + operands.get("skip") + ": the image ends before");
            }
            make(source, to, start, end);
        }
        return 0;
    }

    private void operand(String word) {
        String name = word.replaceFirst("=.*", "");
        if (!OPERANDS.contains(name) || !word.contains("=")) {
            throw new UserException("unknown operand '" + word + "'; there are bs=, count=, if=, of=, skip="
                    + Suggestion.hint(name, OPERANDS));
        }
        operands.put(name, word.substring(name.length() + 1));
    }

    private Path file(String name) {
        if (!operands.containsKey(name)) {
            throw new UserException(name + "= is missing");
        }
        return path(operands.get(name));
    }

    private long number(String name, long otherwise) {
        return operands.containsKey(name) ? size(name + "=", operands.get(name)) : otherwise;
    }

    private static long times(long blocks, long size) {
        return blocks > Long.MAX_VALUE / size ? Long.MAX_VALUE : blocks * size;
    }

    private void make(Image source, Path to, long start, long end) {
        String targetFormat = format(given.get("-O", "raw"));
        Images.create(to, CreateOptions.of(targetFormat, Bits.alignUp(end - start, SECTOR)), CacheMode.UNSAFE);
        OpenOptions options = OpenOptions.defaults().withFormat(targetFormat).withCache(CacheMode.UNSAFE)
                .withFilling(true);
        try (Image target = Images.open(to, options)) {
            on(to, () -> copy(source, target, start, end));
        }
    }

    /** Reads whole sectors, and writes them; the last one is filled up with zeroes. */
    private static Void copy(Image source, Image target, long start, long end) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(PIECE + 2 * SECTOR);
            for (long at = start; at < end; at += PIECE) {
                long length = Math.min(PIECE, end - at);
                long first = Bits.alignDown(at, SECTOR);
                long last = Bits.alignUp(at + length, SECTOR);
                source.readNow(first, buffer.asSlice(0, last - first));
                MemorySegment data = buffer.asSlice(at - first, Bits.alignUp(length, SECTOR));
                data.asSlice(length).fill((byte) 0);
                target.writeNow(at - start, data);
            }
        }
        return null;
    }
}
