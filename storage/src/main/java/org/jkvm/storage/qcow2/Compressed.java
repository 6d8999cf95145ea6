package org.jkvm.storage.qcow2;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Where a compressed cluster lies (qcow2.txt, "Compressed Clusters Descriptor"): its first byte, and the end of the last
 * 512-byte sector that has some of it.
 */
record Compressed(long offset, long end) {
    static final int SECTOR = 512;
    /** QEMU writes raw deflate streams with a window of 4 KiB; a larger one reads them too. */
    private static final boolean RAW_DEFLATE = true;

    static Compressed of(long entry, int clusterBits) {
        int x = 62 - (clusterBits - 8);
        long offset = entry & (1L << x) - 1;
        long more = (entry & ~(Extent.COPIED | Extent.COMPRESSED)) >>> x;
        return new Compressed(offset, (offset & -SECTOR) + (more + 1) * SECTOR);
    }

    /** The L2 entry that says this. */
    long entry(int clusterBits) {
        int x = 62 - (clusterBits - 8);
        long more = (end - (offset & -SECTOR)) / SECTOR - 1;
        return Extent.COMPRESSED | more << x | offset;
    }

    /** Packs {@code data}, filled up with zeroes to {@code size} bytes. */
    static byte[] pack(MemorySegment data, int size, int type) {
        byte[] cluster = new byte[size];
        MemorySegment.copy(data, ValueLayout.JAVA_BYTE, 0, cluster, 0, (int) data.byteSize());
        return type == Features.COMPRESSION_ZSTD ? Zstd.compress(cluster) : SmallWindow.deflate(cluster);
    }

    int length() {
        return (int) (end - offset);
    }

    /** Unpacks {@code data}, which may go on after the end of the stream, to exactly {@code size} bytes. */
    static byte[] unpack(byte[] data, int size, int type) throws IOException {
        byte[] cluster = new byte[size];
        if (type == Features.COMPRESSION_ZSTD) {
            unzstd(data, cluster);
        } else {
            inflate(data, cluster);
        }
        return cluster;
    }

    private static void inflate(byte[] data, byte[] cluster) throws IOException {
        Inflater inflater = new Inflater(RAW_DEFLATE);
        try {
            inflater.setInput(data);
            int done = 0;
            while (done < cluster.length) {
                int n = inflater.inflate(cluster, done, cluster.length - done);
                if (n == 0) {
                    throw new CorruptException("a compressed cluster is too short");
                }
                done += n;
            }
        } catch (DataFormatException e) {
            throw new CorruptException("a compressed cluster cannot be unpacked: " + e.getMessage());
        } finally {
            inflater.end();
        }
    }

    private static void unzstd(byte[] data, byte[] cluster) throws IOException {
        try {
            long frame = Zstd.findFrameCompressedSize(data);
            if (frame <= 0 || frame > data.length
                    || Zstd.decompressByteArray(cluster, 0, cluster.length, data, 0, (int) frame) != cluster.length) {
                throw new CorruptException("a compressed cluster is too short");
            }
        } catch (ZstdException e) {
            throw new CorruptException("a compressed cluster cannot be unpacked: " + e.getMessage());
        }
    }
}
