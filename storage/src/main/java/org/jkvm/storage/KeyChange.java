package org.jkvm.storage;

/**
 * What is to be done with the passphrases of an encrypted image.
 *
 * @param slot the key slot that is meant, from 0 on, or {@link #ANY}
 * @param added the passphrase that is to open the image too; null where one is taken away
 * @param removed the passphrase that is to open it no longer; null where none is meant but a slot
 * @param millis how long the check of the new passphrase takes on this host
 * @param force an active slot may be overwritten, and the last one taken away: nobody can read the disk then any more
 */
public record KeyChange(int slot, Secret added, Secret removed, int millis, boolean force) {
    /** No slot in particular. */
    public static final int ANY = -1;
}
