package org.jkvm.storage.live;

/** What a request does, as statistics and limits tell them apart. */
public enum Operation {
    /** Reads. */
    READ,
    /** Writes, zeroes included. */
    WRITE,
    /** Flushes: counted, never limited. */
    FLUSH,
    /** Discards: counted, limited as writes. */
    DISCARD
}
