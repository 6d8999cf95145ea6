package org.jkvm.storage;

import java.io.IOException;
import java.util.BitSet;
import java.util.List;

/**
 * The persistent dirty bitmaps of an image: each says which stretches of the disk have changed since some moment. An enabled
 * one goes on recording whenever the image is written. Methods wait for the host; what they change is in the image when that
 * is closed. Names are matched exactly; a name that is not there is an {@link IOException}.
 */
public interface Bitmaps {
    /** The smallest stretch that a bit stands for. */
    int MIN_GRANULARITY = 512;
    /** The largest. */
    long MAX_GRANULARITY = 1L << 31;

    /**
     * A bitmap's contents.
     *
     * @param granularity bytes of the disk that a bit stands for, a power of two
     * @param bits a bit is set where something has changed; nobody changes it
     */
    record Contents(long granularity, BitSet bits) {
    }

    /** All of them. */
    List<ImageInfo.Bitmap> list() throws IOException;

    /**
     * Adds one that is enabled and has nothing set.
     *
     * @param granularity a power of two from {@link #MIN_GRANULARITY} to {@link #MAX_GRANULARITY}, or 0 for a suitable one
     */
    void add(String name, long granularity) throws IOException;

    /** Removes one, also one that was not closed properly. */
    void remove(String name) throws IOException;

    /** Unsets all bits. */
    void clear(String name) throws IOException;

    /** Has it record changes from now on, or not. */
    void setEnabled(String name, boolean enabled) throws IOException;

    /** Sets what is set in another one too, of any granularity. */
    void merge(String name, Contents other) throws IOException;

    /** What is in it. */
    Contents contents(String name) throws IOException;
}
