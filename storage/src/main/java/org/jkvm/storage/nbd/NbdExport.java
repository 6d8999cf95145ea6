package org.jkvm.storage.nbd;

import org.jkvm.storage.Image;

/**
 * What a server offers.
 *
 * @param name        what clients ask for; the empty name is the default export
 * @param description what {@code nbdinfo --list} shows; may be empty
 * @param image       its contents
 * @param readOnly    whether writes are refused, as they are where the image is read-only
 * @param shared      whether several clients may use it at once
 */
public record NbdExport(String name, String description, Image image, boolean readOnly, boolean shared) {
    /** Transmission flags. */
    int flags() {
        int reading = Nbd.HAS_FLAGS | Nbd.SEND_DF | (shared ? Nbd.CAN_MULTI_CONN : 0);
        return writable() ? reading | Nbd.SEND_FLUSH | Nbd.SEND_FUA | Nbd.SEND_TRIM | Nbd.SEND_WRITE_ZEROES
                : reading | Nbd.READ_ONLY;
    }

    boolean writable() {
        return !readOnly && !image.readOnly();
    }
}
