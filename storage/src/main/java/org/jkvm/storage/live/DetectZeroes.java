package org.jkvm.storage.live;

/** What becomes of a guest's writes of nothing but zeroes: {@code detect-zeroes=}. */
public enum DetectZeroes {
    /** They are written. */
    OFF,
    /** The range is made to read as zeroes, keeping its storage. */
    ON,
    /** The range is made to read as zeroes and its storage may be given back. */
    UNMAP
}
