package org.jkvm.storage;

/** How the host caches an image: the values of {@code cache=}. */
public enum CacheMode {
    /** The host's page cache is used; a flush is fdatasync(2). The default. */
    WRITEBACK,
    /**
     * The host's page cache is bypassed (O_DIRECT), data is copied through aligned buffers where need be; a flush is
     * fdatasync(2). On a file system that refuses O_DIRECT (EINVAL) this is the same as {@link #WRITEBACK}.
     */
    NONE,
    /** As {@link #WRITEBACK}, and every write is on stable storage, with the metadata that it needs, when it is done. */
    WRITETHROUGH,
    /** As {@link #NONE}, and as {@link #WRITETHROUGH}. */
    DIRECTSYNC,
    /** As {@link #WRITEBACK}, but a flush does nothing: fast, and a power cut may destroy the image. */
    UNSAFE;

    /** Whether the host's page cache is bypassed. */
    public boolean direct() {
        return this == NONE || this == DIRECTSYNC;
    }

    /** Whether a write is done only when it is on stable storage. */
    public boolean through() {
        return this == WRITETHROUGH || this == DIRECTSYNC;
    }
}
