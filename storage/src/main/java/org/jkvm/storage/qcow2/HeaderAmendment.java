package org.jkvm.storage.qcow2;

import java.io.IOException;

/** Options that can be changed in an image that is there. */
final class HeaderAmendment {
    private HeaderAmendment() {
    }

    /**
     * Changes option {@code name} of {@code kvm-img create}.
     *
     * @throws IOException where it cannot be changed so; nothing was changed then
     */
    static void make(Header header, HeaderFields fields, String name, String value) throws IOException {
        switch (name) {
            case "compat" -> version(header, fields, value);
            case "lazy_refcounts" -> lazyRefcounts(header, fields, value);
            default -> throw new IOException("option '" + name + "' cannot be changed");
        }
    }

    private static void version(Header header, HeaderFields fields, String value) throws IOException {
        int version = switch (value) {
            case "1.1", "v3" -> 3;
            case "0.10", "v2" -> 2;
            default -> throw new IOException("compat=" + value + ": 1.1 or 0.10 is allowed");
        };
        if (version < header.version()) {
            throw new IOException("compat=0.10: an image does not go back to version 2; convert makes another image");
        }
        if (version > header.version()) {
            if (header.snapshotCount() > 0) {
                throw new IOException("compat=1.1: snapshots of version 2 do not say how large the disk was;"
                        + " delete them first");
            }
            fields.writeCluster(BackingChange.upgraded(header, fields.start(header.headerLength())));
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
