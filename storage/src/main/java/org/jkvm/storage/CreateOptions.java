package org.jkvm.storage;

import java.util.Arrays;
import java.util.Map;
import org.jkvm.base.UserException;

/**
 * What {@link Images#create} makes.
 *
 * @param format one of {@link Images#creatable}
 * @param size bytes of the disk
 * @param preallocation how much is allocated at once
 * @param clusterSize qcow2: bytes of a cluster, a power of two from 512 to 2 MiB
 * @param version qcow2: 2 or 3
 * @param refcountBits qcow2: width of a reference count, a power of two from 1 to 64; 16 in version 2
 * @param lazyRefcounts qcow2 version 3: other programs may postpone updates of reference counts
 * @param zstd qcow2 version 3: compressed clusters are zstd's, not zlib's
 * @param backingFile the backing file's name as written into the image, or null
 * @param backingFormat its format, or null
 * @param more what else {@code -o} says, by qemu-img's names, each one of {@link Images#creationOptions}
 * @param secret what encrypts the image, or null
 */
public record CreateOptions(String format, long size, Preallocation preallocation, int clusterSize, int version,
        int refcountBits, boolean lazyRefcounts, boolean zstd, String backingFile, String backingFormat,
        Map<String, String> more, Secret secret) {
    /** The cluster size where none is asked for. */
    public static final int DEFAULT_CLUSTER_SIZE = 65536;

    /** How much of an image is allocated when it is made. */
    public enum Preallocation {
        /** Nothing. */
        OFF,
        /** All metadata; data clusters are holes in the file. Not for raw. */
        METADATA,
        /** As METADATA, and storage is reserved for the data. */
        FALLOC,
        /** As METADATA, and all data is written. */
        FULL
    }

    /** With nothing more. */
    public CreateOptions(String format, long size, Preallocation preallocation, int clusterSize, int version,
            int refcountBits, boolean lazyRefcounts, boolean zstd, String backingFile, String backingFormat) {
        this(format, size, preallocation, clusterSize, version, refcountBits, lazyRefcounts, zstd, backingFile,
                backingFormat,
                Map.of(), null);
    }

    /** An image of the given format and size, nothing else out of the ordinary. */
    public static CreateOptions of(String format, long size) {
        return new CreateOptions(format, size, Preallocation.OFF, DEFAULT_CLUSTER_SIZE, 3, 16, false, false, null, null);
    }

    /** A qcow2 image over a backing file. */
    public static CreateOptions over(String backingFile, String backingFormat, long size) {
        return new CreateOptions("qcow2", size, Preallocation.OFF, DEFAULT_CLUSTER_SIZE, 3, 16, false, false, backingFile,
                backingFormat);
    }

    /** The same in another format. */
    public CreateOptions withFormat(String name) {
        return new CreateOptions(name, size, preallocation, clusterSize, version, refcountBits, lazyRefcounts, zstd,
                backingFile, backingFormat, more, secret);
    }

    /** With these values, and no others, beside the common ones. */
    public CreateOptions withMore(Map<String, String> values) {
        return new CreateOptions(format, size, preallocation, clusterSize, version, refcountBits, lazyRefcounts, zstd,
                backingFile, backingFormat, Map.copyOf(values), secret);
    }

    /** Encrypted with {@code key}. */
    public CreateOptions withSecret(Secret key) {
        return new CreateOptions(format, size, preallocation, clusterSize, version, refcountBits, lazyRefcounts, zstd,
                backingFile, backingFormat, more, key);
    }

    /** Whether a value is on; off where it is not given. */
    public boolean flag(String name) {
        return moreFlag(name, false);
    }

    /** Whether a value is on. */
    public boolean moreFlag(String name, boolean otherwise) {
        return switch (more.getOrDefault(name, otherwise ? "on" : "off")) {
            case "on", "yes", "true", "y" -> true;
            case "off", "no", "false", "n" -> false;
            default -> throw new UserException(name + "=" + more.get(name) + ": on or off is allowed");
        };
    }

    /** A value that is one of {@code allowed}, the first one where it is not given. */
    public String choice(String name, String... allowed) {
        String value = more.getOrDefault(name, allowed[0]);
        if (!Arrays.asList(allowed).contains(value)) {
            throw new UserException(name + "=" + value + ": " + String.join(", ", allowed) + " is allowed");
        }
        return value;
    }

    /** A number of bytes below 2 GiB, perhaps with one of k, M and G. */
    public int moreSize(String name, int otherwise) {
        String value = more.get(name);
        if (value == null) {
            return otherwise;
        }
        if (!value.matches("[0-9]{1,10}[kKMG]?")) {
            throw new UserException(name + "=" + value + ": a number of bytes, or one with k, M or G, is allowed");
        }
        int unit = "kMG".indexOf(value.replace('K', 'k').charAt(value.length() - 1));
        long bytes = Long.parseLong(value.replaceAll("[kKMG]", "")) << 10 * (unit + 1);
        if (bytes <= 0 || bytes > Integer.MAX_VALUE) {
            throw new UserException(name + "=" + value + " is out of range");
        }
        return (int) bytes;
    }
}
