package org.jkvm.storage;

import java.io.IOException;
import java.util.OptionalLong;
import org.jkvm.base.Bits;
import org.jkvm.base.UserException;
import org.jkvm.storage.luks.LuksFormat;
import org.jkvm.storage.luks.LuksHeader;
import org.jkvm.storage.qcow2.BitmapSize;
import org.jkvm.storage.qcow2.Creator;

/**
 * How large the file of a new image becomes, holes counted for raw.
 *
 * @param required bytes with the contents that there are, never too few
 * @param fullyAllocated bytes once every cluster of the disk has been written
 * @param bitmaps bytes that the source's dirty bitmaps would take besides; empty where the source or the new image can
 *     have none
 */
public record Measure(long required, long fullyAllocated, OptionalLong bitmaps) {
    /** The largest disk whose sums stay within a long. */
    private static final long MAX_SIZE = 1L << 61;

    /** For an empty disk. */
    public static Measure empty(CreateOptions target) {
        return of(target, 0);
    }

    /** For a disk with the contents of {@code source}. Waits for the host. */
    public static Measure of(Image source, CreateOptions target) throws IOException {
        if (!target.format().equals("qcow2")) {
            return of(target, 0);
        }
        Measure contents = of(target, dataBytes(source, target.clusterSize()));
        return new Measure(contents.required, contents.fullyAllocated, bitmapBytes(source, target));
    }

    private static OptionalLong bitmapBytes(Image source, CreateOptions target) throws IOException {
        FormatInfo.Qcow2 from = source.info().qcow2().orElse(null);
        return from != null && from.version3() && target.version() == 3
                ? OptionalLong.of(BitmapSize.of(from.bitmaps(), source.size(), target.clusterSize())) : OptionalLong.empty();
    }

    private static Measure of(CreateOptions target, long data) {
        if (target.size() > MAX_SIZE) {
            throw new UserException("size " + target.size() + " is too large");
        }
        return switch (target.format()) {
            case "raw" -> flat(target.size());
            case "luks" -> {
                LuksFormat.millis(target, "");
                yield flat(LuksHeader.newLength() + target.size());
            }
            case "qcow2" -> qcow2(target, data);
            default -> throw new UserException("format " + target.format() + " cannot be measured; raw, qcow2 and luks can");
        };
    }

    private static Measure flat(long bytes) {
        return new Measure(bytes, bytes, OptionalLong.empty());
    }

    private static Measure qcow2(CreateOptions target, long data) {
        Creator.check(target);
        long disk = Bits.alignUp(target.size(), target.clusterSize());
        long keys = target.secret() == null ? 0 : Bits.alignUp(LuksHeader.newLength(), target.clusterSize());
        long all = disk + metadataBytes(disk, target.clusterSize(), target.refcountBits()) + keys;
        boolean full = target.preallocation() == CreateOptions.Preallocation.FULL
                || target.preallocation() == CreateOptions.Preallocation.FALLOC;
        return new Measure(full || target.backingFile() != null ? all : all - disk + data, all,
                OptionalLong.empty());
    }

    /** Clusters that the contents touch, in bytes. */
    private static long dataBytes(Image source, int clusterSize) throws IOException {
        long bytes = 0;
        long counted = 0;
        for (long at = 0; at < source.size(); ) {
            BlockStatus s = source.status(at, source.size() - at);
            at += s.length();
            if (s.data()) {
                long from = Math.max(counted, Bits.alignDown(s.start(), clusterSize));
                counted = Math.max(counted, Bits.alignUp(at, clusterSize));
                bytes += counted - Math.min(counted, from);
            }
        }
        return bytes;
    }

    /** Header, L1 and L2 tables, refcount table and blocks for a disk of {@code disk} bytes, whole clusters. */
    private static long metadataBytes(long disk, long clusterSize, int refcountBits) {
        long pointers = clusterSize / Long.BYTES;
        long l2Tables = Math.ceilDiv(disk / clusterSize, pointers);
        long tables = 1 + l2Tables + Math.ceilDiv(l2Tables, pointers);
        long counted = tables + disk / clusterSize;
        long perBlock = clusterSize * Byte.SIZE / refcountBits;
        long refcounts = 0;
        // Blocks and table count themselves: more of them until there are enough for all.
        for (long more = -1; more != refcounts; ) {
            more = refcounts;
            long blocks = Math.ceilDiv(counted + refcounts, perBlock);
            refcounts = blocks + Math.ceilDiv(blocks, pointers);
        }
        return (tables + refcounts) * clusterSize;
    }
}
