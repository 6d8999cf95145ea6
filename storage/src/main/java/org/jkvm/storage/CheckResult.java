package org.jkvm.storage;

import java.util.List;
import java.util.stream.Stream;

/**
 * What a check of an image's metadata found.
 *
 * @param corruptions places where the image is wrong and data may be lost
 * @param leaks clusters that are counted as used and are not
 * @param checkErrors things that could not be examined
 * @param totalClusters clusters in the virtual disk
 * @param allocatedClusters clusters of the virtual disk that have data in the image
 * @param fragmentedClusters those that do not follow their predecessor in the file
 * @param compressedClusters those that are compressed
 * @param imageEndOffset where the last cluster in use ends
 * @param messages one line for each finding, the first thousand
 */
public record CheckResult(long corruptions, long leaks, long checkErrors, long totalClusters, long allocatedClusters,
        long fragmentedClusters, long compressedClusters, long imageEndOffset, List<String> messages) {
    /** What this and a check of another part of the image found together. */
    public CheckResult plus(CheckResult o) {
        return new CheckResult(corruptions + o.corruptions, leaks + o.leaks, checkErrors + o.checkErrors,
                totalClusters + o.totalClusters, allocatedClusters + o.allocatedClusters,
                fragmentedClusters + o.fragmentedClusters, compressedClusters + o.compressedClusters,
                Math.max(imageEndOffset, o.imageEndOffset),
                Stream.concat(messages.stream(), o.messages.stream()).toList());
    }

    /** Whether nothing at all is wrong. */
    public boolean clean() {
        return corruptions == 0 && leaks == 0 && checkErrors == 0;
    }
}
