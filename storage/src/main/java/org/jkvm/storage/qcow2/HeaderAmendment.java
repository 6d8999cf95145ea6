package org.jkvm.storage.qcow2;

import java.io.IOException;
import org.jkvm.storage.layer.ImageFile;

/** Options that can be changed in an image that is there. */
final class HeaderAmendment {
    private HeaderAmendment() {
    }

    /**
     * Changes option {@code name} of {@code kvm-img create}.
     *
     * @throws IOException where it cannot be changed so; nothing was changed then
     */
    static void make(ImageFile file, Header header, HeaderFields fields, String name, String value) throws IOException {
        switch (name) {
            case "compat" -> version(file, header, fields, value);
            case "lazy_refcounts" -> lazyRefcounts(header, fields, value);
            default -> throw new IOException("option '" + name + "' cannot be changed");
        }
    }

    /** The version that a value of {@code compat} means. */
    static int version(String value) throws IOException {
        return switch (value) {
            case "1.1", "v3" -> 3;
            case "0.10", "v2" -> 2;
            default -> throw new IOException("compat=" + value + ": 1.1 or 0.10 is allowed");
        };
    }

    /**
     * Refuses to make version 2 of an image, whose disk has {@code size} bytes, that has what this lacks; zeroes and bitmaps
     * aside.
     */
    static void refuseDowngrade(ImageFile file, Header header, long size) throws IOException {
        refuse(header.refcountOrder() != Header.REFCOUNT_ORDER_V2, "version 2 has reference counts of 16 bits only");
        refuse(header.extendedL2(), "version 2 has no extended L2 entries");
        refuse(header.hasDataFile(), "version 2 has no external data file");
        refuse(header.compressionType() != Features.COMPRESSION_ZLIB, "version 2 has no compression type but zlib");
        for (SnapshotTable.Snapshot snapshot : SnapshotTable.read(file, header)) {
            refuse(snapshot.info().vmStateSize() >>> Integer.SIZE != 0 || snapshot.diskSize() >= 0 && snapshot.diskSize() != size,
                    "snapshot '" + snapshot.info().name() + "' is of another size than the disk, or has more than 4 GiB of"
                    + " machine state, which version 2 cannot say: delete it first");
        }
    }

    private static void refuse(boolean has, String why) throws IOException {
        if (has) {
            throw new IOException("compat=0.10: " + why);
        }
    }

    private static void version(ImageFile file, Header header, HeaderFields fields, String value) throws IOException {
        int version = version(value);
        if (version < header.version()) {
            fields.writeCluster(HeaderCluster.downgraded(header, fields.start(header.headerLength())));
        }
        if (version > header.version()) {
            if (SnapshotTable.read(file, header).stream().anyMatch(snapshot -> snapshot.diskSize() < 0)) {
                throw new IOException("compat=1.1: a snapshot does not say how large the disk was;"
                        + " delete them first");
            }
            fields.writeCluster(HeaderCluster.upgraded(header, fields.start(header.headerLength())));
        }
    }

    private static void lazyRefcounts(Header header, HeaderFields fields, String value) throws IOException {
        boolean on = switch (value) {
            case "on" -> true;
            case "off" -> false;
            default -> throw new IOException("lazy_refcounts=" + value + ": on or off is allowed");
        };
        if (header.version() < 3) {
            if (on) {
                throw new IOException("lazy_refcounts=on needs compat=1.1");
            }
            return;
        }
        long others = fields.get(Field.COMPATIBLE_FEATURES) & ~Features.COMPATIBLE_LAZY_REFCOUNTS;
        fields.write(Field.COMPATIBLE_FEATURES, others | (on ? Features.COMPATIBLE_LAZY_REFCOUNTS : 0));
    }
}
