package org.jkvm.storage;

import java.util.List;

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
    /** Whether nothing at all is wrong. */
    public boolean clean() {
        return corruptions == 0 && leaks == 0 && checkErrors == 0;
    }
}
