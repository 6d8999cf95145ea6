package org.jkvm.storage.qcow2;

/** Feature bits of version 3 (qcow2.txt, "Header", bytes 72 to 95) and header extension types. */
final class Features {
    static final long INCOMPATIBLE_DIRTY = 1;
    static final long INCOMPATIBLE_CORRUPT = 2;
    static final long INCOMPATIBLE_DATA_FILE = 4;
    static final long INCOMPATIBLE_COMPRESSION = 8;
    static final long INCOMPATIBLE_EXTENDED_L2 = 16;
    static final long COMPATIBLE_LAZY_REFCOUNTS = 1;
    static final long AUTOCLEAR_BITMAPS = 1;
    static final long AUTOCLEAR_DATA_FILE_RAW = 2;

    static final int EXTENSION_END = 0;
    static final int EXTENSION_BACKING_FORMAT = 0xe2792aca;
    static final int EXTENSION_FEATURE_NAMES = 0x6803f857;
    static final int EXTENSION_BITMAPS = 0x23852875;
    static final int EXTENSION_ENCRYPTION = 0x0537be77;
    static final int EXTENSION_DATA_FILE = 0x44415441;

    static final int CRYPT_NONE = 0;
    static final int CRYPT_LUKS = 2;

    static final int COMPRESSION_ZLIB = 0;
    static final int COMPRESSION_ZSTD = 1;

    private Features() {
    }
}
