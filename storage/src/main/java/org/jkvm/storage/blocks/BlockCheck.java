package org.jkvm.storage.blocks;

import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jkvm.storage.CheckResult;
import org.jkvm.storage.layer.ImageFile;

/** Looks for blocks that lie outside the file, or over one another. */
final class BlockCheck {
    /** Bounds what a hostile image makes us do: as many blocks as 64 TiB have of 64 KiB. */
    private static final long MAX_BLOCKS = 1L << 30;
    /** After so many errors the rest is not looked at: each takes a while, and a small table can have any number. */
    private static final long MAX_CORRUPTIONS = 1L << 20;
    /** The set of stretches that are taken has 32 MiB at most; what lies beyond is not looked at for overlaps. */
    private static final long MAX_STRETCHES = 1L << 28;

    private final ImageFile file;
    private final long size;
    private final int blockSize;
    private final int maxMessages;
    private final List<String> messages = new ArrayList<>();
    private final BitSet taken = new BitSet();
    private long corruptions;
    private long allocated;
    private long fragmented;
    private long packed;
    private long end;
    private long previous = -1;

    BlockCheck(ImageFile file, long size, int blockSize, int maxMessages) {
        this.file = file;
        this.size = size;
        this.blockSize = blockSize;
        this.maxMessages = maxMessages;
    }

    /** Finds blocks. */
    interface Finder {
        Place find(long index) throws IOException;

        /** How many blocks from {@code index} on need not be looked at: there are none. */
        long missing(long index) throws IOException;

        /** Throws where tables lie over one another; nothing else is looked at then. */
        void refuseSharedTables(long blocks) throws IOException;
    }

    CheckResult run(Finder finder) throws IOException {
        long blocks = Math.ceilDiv(size, blockSize);
        if (blocks > MAX_BLOCKS) {
            throw new IOException("the image has too many blocks to be checked");
        }
        if (tablesApart(finder, blocks)) {
            examineAll(finder, blocks);
        }
        return new CheckResult(corruptions, 0, 0, blocks, allocated, fragmented, packed, end, List.copyOf(messages));
    }

    private boolean tablesApart(Finder finder, long blocks) {
        try {
            finder.refuseSharedTables(blocks);
            return true;
        } catch (IOException e) {
            corruption("ERROR " + e.getMessage());
            return false;
        }
    }

    private void examineAll(Finder finder, long blocks) throws IOException {
        for (long i = finder.missing(0); i < blocks && corruptions < MAX_CORRUPTIONS; i += 1 + finder.missing(i + 1)) {
            try {
                examine(i, finder.find(i));
            } catch (IOException e) {
                corruption("ERROR block " + i + ": " + e.getMessage());
            }
        }
    }

    private void examine(long index, Place place) {
        if (place.kind() == Place.Kind.NONE || place.kind() == Place.Kind.ZERO) {
            return;
        }
        allocated++;
        if (place.kind() == Place.Kind.PACKED) {
            packed++;
            fragmented++;
        } else {
            data(index, place.offset());
        }
        if (place.offset() >= file.size()) {
            corruption("ERROR block " + index + " at 0x" + Long.toHexString(place.offset()) + " lies outside the file");
        }
    }

    private void data(long index, long offset) {
        fragmented += previous >= 0 && offset != previous + blockSize ? 1 : 0;
        previous = offset;
        end = Math.max(end, offset + blockSize);
        // Blocks that do not overlap never start in the same stretch of a block's size.
        long stretch = offset / blockSize;
        if (stretch < MAX_STRETCHES) {
            if (taken.get((int) stretch)) {
                corruption("ERROR block " + index + " at 0x" + Long.toHexString(offset) + " overlaps another block");
            }
            taken.set((int) stretch);
        }
    }

    private void corruption(String message) {
        corruptions++;
        if (messages.size() < maxMessages) {
            messages.add(message);
        }
    }
}
