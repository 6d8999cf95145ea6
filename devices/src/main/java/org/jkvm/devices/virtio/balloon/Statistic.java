package org.jkvm.devices.virtio.balloon;

/** What a guest says about its memory, by tag number (virtio 1.2, section 5.5.6.4); QEMU's names in lower case. */
public enum Statistic {
    /** Bytes swapped in. */
    STAT_SWAP_IN,
    /** Bytes swapped out. */
    STAT_SWAP_OUT,
    /** Page faults that needed the disk. */
    STAT_MAJOR_FAULTS,
    /** Page faults that did not. */
    STAT_MINOR_FAULTS,
    /** Bytes not used for anything. */
    STAT_FREE_MEMORY,
    /** Bytes of memory. */
    STAT_TOTAL_MEMORY,
    /** Bytes that new work could get without swapping. */
    STAT_AVAILABLE_MEMORY,
    /** Bytes that caches could give up. */
    STAT_DISK_CACHES,
    /** Huge pages that were allocated. */
    STAT_HTLB_PGALLOC,
    /** Huge pages that could not be. */
    STAT_HTLB_PGFAIL
}
