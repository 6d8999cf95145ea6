package org.jkvm.storage;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.function.LongConsumer;
import org.jkvm.base.Bits;
import org.jkvm.storage.layer.Buffers;

/** Prepares an image for another backing file: what it has from the old one and would not have from the new one. */
public final class ImageRebase {
    private static final int PIECE = 1 << 20;

    private final Image image;
    private final Image below;
    private final int unit;
    private final MemorySegment old;
    private final MemorySegment now;

    private ImageRebase(Image image, Image below) throws IOException {
        this.image = image;
        this.below = below;
        this.unit = (int) Math.max(1 << 12, image.info().clusterSize());
        this.old = Buffers.allocate(Math.max(PIECE, unit));
        this.now = Buffers.allocate(Math.max(PIECE, unit));
    }

    /**
     * Writes into {@code image} where what it has from its backing file differs from {@code below}, or from zeroes where
     * that is null or ends before. All is on stable storage on return: then the image may name {@code below}.
     *
     * @param progress is told how many bytes of the disk are dealt with
     */
    public static void copyDifferences(Image image, Image below, LongConsumer progress) throws IOException {
        ImageRebase rebase = new ImageRebase(image, below);
        for (long at = 0; at < image.size(); ) {
            at = rebase.step(at);
            progress.accept(at);
        }
        Requests.await(image.flush());
    }

    /** Deals with a stretch from {@code at} on; returns its end. */
    private long step(long at) throws IOException {
        BlockStatus status = image.status(at, image.size() - at);
        boolean own = status.depth() == 0 && status.present();
        if (own || status.zero() && zeroBelow(at, status.length())) {
            return at + status.length();
        }
        long end = Math.min(at + status.length(), Bits.alignDown(at, old.byteSize()) + old.byteSize());
        compare(at, end - at);
        return end;
    }

    private boolean zeroBelow(long at, long length) throws IOException {
        if (below == null || at >= below.size()) {
            return true;
        }
        BlockStatus status = below.status(at, Math.min(length, below.size() - at));
        return status.zero() && (status.length() >= length || at + status.length() >= below.size());
    }

    private void compare(long at, long length) throws IOException {
        image.readNow(at, old.asSlice(0, length));
        readBelow(at, now.asSlice(0, length));
        long end;
        for (long from = 0; from < length; from = end) {
            end = Math.min(length, Bits.alignDown(at + from, unit) + unit - at);
            if (MemorySegment.mismatch(old, from, end, now, from, end) >= 0) {
                image.writeNow(at + from, old.asSlice(from, end - from));
            }
        }
    }

    private void readBelow(long at, MemorySegment target) throws IOException {
        long there = below == null ? 0 : Math.clamp(below.size() - at, 0, target.byteSize());
        if (there > 0) {
            below.readNow(at, target.asSlice(0, there));
        }
        target.asSlice(there).fill((byte) 0);
    }
}
