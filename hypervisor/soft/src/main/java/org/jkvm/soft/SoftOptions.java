package org.jkvm.soft;

/**
 * How the software engine works.
 *
 * @param translate  whether blocks that are executed often are translated into host code, where the host is one of ours
 * @param cacheBytes size of a vCPU's cache of generated code, {@link #LEAST_CACHE} to {@link #MOST_CACHE}
 */
public record SoftOptions(boolean translate, long cacheBytes) {
    /** Smallest code cache. */
    public static final long LEAST_CACHE = 1L << 20;
    /** Largest code cache: jumps reach 2 GiB. */
    public static final long MOST_CACHE = 1L << 30;
    /** What is used unless told otherwise. */
    public static final SoftOptions DEFAULT = new SoftOptions(true, 64L << 20);

    /** Refuses sizes that cannot be had. */
    public SoftOptions {
        if (cacheBytes < LEAST_CACHE || cacheBytes > MOST_CACHE) {
            throw new IllegalArgumentException("a code cache of " + cacheBytes + " bytes");
        }
    }
}
