package org.jkvm.devices.virtio.blk;

import org.jkvm.base.backend.NoSpaceException;

/** What happens when the disk's back end fails a request: {@code rerror=} and {@code werror=}, QEMU's names. */
public enum ErrorPolicy {
    /** The guest sees an I/O error. */
    REPORT,
    /** The guest sees success. */
    IGNORE,
    /** The machine stops; the request is made again when it continues. */
    STOP,
    /** As {@link #STOP} where the host's disk is full, as {@link #REPORT} otherwise. */
    ENOSPC;

    /** Whether {@code failure} stops the machine. */
    boolean stops(Throwable failure) {
        return this == STOP || this == ENOSPC && failure instanceof NoSpaceException;
    }
}
