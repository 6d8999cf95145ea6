package org.jkvm.storage;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What an image says about itself.
 *
 * @param path the file
 * @param format its format's name
 * @param virtualSize bytes that a guest sees
 * @param actualSize bytes of host storage that the file takes
 * @param clusterSize the unit of allocation in bytes, 0 where the format has none
 * @param dirty whether it was not closed properly and its reference counts are to be rebuilt
 * @param backing the backing file, where there is one
 * @param qcow2 what only qcow2 has
 * @param snapshots internal snapshots
 */
public record ImageInfo(Path path, String format, long virtualSize, long actualSize, long clusterSize, boolean dirty,
        Optional<Backing> backing, Optional<Qcow2> qcow2, List<Snapshot> snapshots) {
    /**
     * A backing file.
     *
     * @param name as written in the image
     * @param path the name made relative to the image's folder
     * @param format the format written in the image, or null
     */
    public record Backing(String name, Path path, String format) {
    }

    /**
     * What only qcow2 has; {@code compat} is {@code "0.10"} (version 2) or {@code "1.1"} (version 3).
     *
     * @param dataFile the external data file as written in the image, or null
     * @param encryption {@code "luks"}, or null
     * @param bitmaps dirty bitmaps
     */
    public record Qcow2(String compat, String compressionType, boolean lazyRefcounts, int refcountBits,
            boolean corrupt, boolean extendedL2, String dataFile, boolean dataFileRaw, String encryption,
            List<Bitmap> bitmaps) {
    }

    /**
     * A dirty bitmap.
     *
     * @param granularity bytes of the disk that a bit stands for
     * @param inUse in use now, or not closed properly and of no use
     * @param auto records all changes
     */
    public record Bitmap(String name, long granularity, boolean inUse, boolean auto) {
        /** The flags' names. */
        public List<String> flags() {
            return Stream.of(inUse ? "in-use" : "", auto ? "auto" : "").filter(f -> !f.isEmpty()).toList();
        }
    }

    /** An internal snapshot; sizes in bytes, times as in the image's table; icount is -1 where there is none. */
    public record Snapshot(String id, String name, long vmStateSize, long dateSeconds, long dateNanos,
            long vmClockNanos, long icount) {
    }

    /** An image without metadata of its own. */
    public static ImageInfo plain(Path path, String format, long virtualSize, long actualSize) {
        return new ImageInfo(path, format, virtualSize, actualSize, 0, false, Optional.empty(), Optional.empty(),
                List.of());
    }
}
