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
 * @param specific what only its format says
 * @param snapshots internal snapshots
 */
public record ImageInfo(Path path, String format, long virtualSize, long actualSize, long clusterSize, boolean dirty,
        Optional<Backing> backing, Optional<? extends FormatInfo> specific, List<Snapshot> snapshots) {
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

    /** An image without metadata of its own, but perhaps encrypted. */
    public static ImageInfo plain(Path path, String format, long virtualSize, long actualSize,
            Optional<FormatInfo.Luks> encryption) {
        return new ImageInfo(path, format, virtualSize, actualSize, 0, false, Optional.empty(), encryption, List.of());
    }

    /** Whether the disk's contents can only be read with a passphrase. */
    public boolean encrypted() {
        return specific.isPresent() && specific.get().encrypted();
    }

    /** What only qcow2 has, where it is such an image. */
    public Optional<FormatInfo.Qcow2> qcow2() {
        return specific.orElse(null) instanceof FormatInfo.Qcow2 qcow2 ? Optional.of(qcow2) : Optional.empty();
    }
}
