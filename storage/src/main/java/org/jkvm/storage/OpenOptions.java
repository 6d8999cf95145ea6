package org.jkvm.storage;

import org.jkvm.base.UserException;

/**
 * How an image is opened.
 *
 * @param format one of {@link Images#FORMATS}, or null to look at the image's first bytes. Naming it is safer: a
 *     guest that can write all of a raw disk can make it look like another format
 * @param readOnly refuses writes
 * @param cache the host's caching
 * @param forceShare takes no lock and minds nobody else's; only with {@code readOnly}
 * @param unmap whether discards and zeroes give storage back ({@code discard=unmap}) or not ({@code discard=ignore})
 * @param threads host threads that serve requests, 1 to 64
 * @param secret what opens the encrypted images of the chain, or null
 * @param filling it is about to be filled by large writes: what the host takes for each is kept low
 */
public record OpenOptions(String format, boolean readOnly, CacheMode cache, boolean forceShare, boolean unmap,
        int threads, Secret secret, boolean filling) {
    /** The most host threads for one image. */
    public static final int MAX_THREADS = 64;

    /** Checks the ranges. */
    public OpenOptions {
        if (threads < 1 || threads > MAX_THREADS) {
            throw new IllegalArgumentException("threads: 1 to " + MAX_THREADS);
        }
        if (forceShare && !readOnly) {
            throw new UserException("force-share=on needs a read-only image (read-only=on)");
        }
    }

    /** For reading and writing, format found out, page cache used, discards passed on, four threads. */
    public static OpenOptions defaults() {
        return new OpenOptions(null, false, CacheMode.WRITEBACK, false, true, 4, null, false);
    }

    /** With the format named, or found out where it is null. */
    public OpenOptions withFormat(String name) {
        return new OpenOptions(name, readOnly, cache, forceShare, unmap, threads, secret, filling);
    }

    /** Only for reading, or for writing too. */
    public OpenOptions withReadOnly(boolean only) {
        return new OpenOptions(format, only, cache, forceShare, unmap, threads, secret, filling);
    }

    /** With the host's caching chosen. */
    public OpenOptions withCache(CacheMode mode) {
        return new OpenOptions(format, readOnly, mode, forceShare, unmap, threads, secret, filling);
    }

    /** Without locks. Implies read-only. */
    public OpenOptions withForceShare(boolean force) {
        return new OpenOptions(format, readOnly || force, cache, force, unmap, threads, secret, filling);
    }

    /** With discards passed on to the host or ignored. */
    public OpenOptions withUnmap(boolean pass) {
        return new OpenOptions(format, readOnly, cache, forceShare, pass, threads, secret, filling);
    }

    /** With that many host threads. */
    public OpenOptions withThreads(int count) {
        return new OpenOptions(format, readOnly, cache, forceShare, unmap, count, secret, filling);
    }

    /** With what opens encrypted images. */
    public OpenOptions withSecret(Secret key) {
        return new OpenOptions(format, readOnly, cache, forceShare, unmap, threads, key, filling);
    }

    /** About to be filled, or not. */
    public OpenOptions withFilling(boolean fill) {
        return new OpenOptions(format, readOnly, cache, forceShare, unmap, threads, secret, fill);
    }
}
