package org.jkvm.soft;

/**
 * How the software engine works.
 *
 * @param translate  whether blocks that are executed often are translated into host code, where the host is one of ours
 * @param cacheBytes size of a vCPU's cache of generated code, {@link #LEAST_CACHE} to {@link #MOST_CACHE}
 * @param threshold  how often a block is interpreted before it is translated; 0 translates everything at once
 * @param check      whether each translated block is interpreted too, and the vCPU stopped where the two differ
 */
public record SoftOptions(boolean translate, long cacheBytes, int threshold, boolean check) {
    /** Smallest code cache. */
    public static final long LEAST_CACHE = 1L << 20;
    /** Largest code cache: jumps reach 2 GiB. */
    public static final long MOST_CACHE = 1L << 30;
    /** Executions after which translating a block pays. */
    public static final int HOT = 16;
    /** What is used unless told otherwise. */
    public static final SoftOptions DEFAULT = new SoftOptions(true, 64L << 20, HOT, false);

    /** Refuses sizes that cannot be had. */
    public SoftOptions {
        if (cacheBytes < LEAST_CACHE || cacheBytes > MOST_CACHE) {
            throw new IllegalArgumentException("a code cache of " + cacheBytes + " bytes");
        }
        if (threshold < 0) {
            throw new IllegalArgumentException("translation after " + threshold + " executions");
        }
    }

    /** The same with the translator on or off. */
    public SoftOptions withTranslate(boolean on) {
        return new SoftOptions(on, cacheBytes, threshold, check);
    }

    /** The same with a code cache of {@code bytes} a vCPU. */
    public SoftOptions withCacheBytes(long bytes) {
        return new SoftOptions(translate, bytes, threshold, check);
    }

    /** The same with another number of executions before a block is translated. */
    public SoftOptions withThreshold(int executions) {
        return new SoftOptions(translate, cacheBytes, executions, check);
    }

    /** The same with lock-step mode on or off. */
    public SoftOptions withCheck(boolean on) {
        return new SoftOptions(translate, cacheBytes, threshold, on);
    }
}
