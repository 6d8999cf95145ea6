package org.jkvm.storage.qcow2;

import java.util.List;
import org.jkvm.base.Bits;
import org.jkvm.storage.ImageInfo;

/** What bitmaps take in an image that they are copied to (qcow2.txt, "Bitmaps"). */
public final class BitmapSize {
    private BitmapSize() {
    }

    /**
     * Bytes of the bitmaps of a disk of {@code size} bytes, were every cluster of them there: data, a table each, and the
     * directory. Those in use count nothing: nobody copies them.
     */
    public static long of(List<ImageInfo.Bitmap> bitmaps, long size, int clusterSize) {
        long bytes = 0;
        long directory = 0;
        for (ImageInfo.Bitmap bitmap : bitmaps) {
            if (!bitmap.inUse()) {
                long clusters = Math.ceilDiv(Math.ceilDiv(Math.ceilDiv(size, bitmap.granularity()), Byte.SIZE), clusterSize);
                bytes += clusters * clusterSize + Bits.alignUp(clusters * Long.BYTES, clusterSize);
                directory += BitmapEntry.length(bitmap.name(), 0);
            }
        }
        return bytes + Bits.alignUp(directory, clusterSize);
    }
}
