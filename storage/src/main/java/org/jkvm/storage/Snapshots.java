package org.jkvm.storage;

import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * The snapshots inside an open image. Methods wait for the host, and for requests that are under way; requests that come
 * meanwhile wait. Any thread may call. They fail with one line; then the image is as before, or, where the host failed
 * half-way, is repaired when it is next opened for writing.
 */
public interface Snapshots {
    /**
     * What a new snapshot says about the moment it was made at.
     *
     * @param name any text, 1 to 255 bytes of UTF-8
     * @param epochSeconds seconds since 1970, 0 to 2^32 - 1
     * @param nanos nanoseconds in that second
     * @param vmClockNanos how long the guest had been running, in nanoseconds; 0 where none is
     */
    record Label(String name, long epochSeconds, int nanos, long vmClockNanos) {
    }

    /** All of them, in the image's order. */
    List<ImageInfo.Snapshot> list() throws IOException;

    /** Keeps the disk's contents under a name and a new id. Refused in a read-only image. */
    ImageInfo.Snapshot create(Label label) throws IOException;

    /**
     * Gives the disk the contents and the size that it had when the snapshot was made; what it has now is lost. Nobody
     * may use the disk meanwhile who relies on its contents.
     */
    void apply(String idOrName) throws IOException;

    /** Removes a snapshot; what only it refers to is given back. */
    void delete(String idOrName) throws IOException;

    /** The first of {@code all} whose id, or else whose name, is {@code idOrName}. */
    static Optional<ImageInfo.Snapshot> find(List<ImageInfo.Snapshot> all, String idOrName) {
        return all.stream().filter(s -> s.id().equals(idOrName)).findFirst()
                .or(() -> all.stream().filter(s -> s.name().equals(idOrName)).findFirst());
    }
}
