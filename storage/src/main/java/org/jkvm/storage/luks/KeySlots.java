package org.jkvm.storage.luks;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.List;
import org.jkvm.storage.KeyChange;
import org.jkvm.storage.Secret;
import org.jkvm.storage.layer.Bytes;
import org.jkvm.storage.layer.ImageFile;

/**
 * Changes of the passphrases in a LUKS header (LUKS On-Disk Format Specification 1.2.3, "Adding new passwords", "Password
 * revocation"). A slot counts when the header says so: its key material is in the file before, and is destroyed before it does
 * not any more. One change, once.
 */
final class KeySlots {
    private final ImageFile file;
    private final long offset;
    private final LuksHeader header;

    /** The slots of {@code header}, which was read from {@code offset} of {@code file}. */
    KeySlots(ImageFile file, long offset, LuksHeader header) {
        this.file = file;
        this.offset = offset;
        this.header = header;
    }

    /** Makes {@code change}; {@code secret} is a passphrase that opens the image now. */
    void change(Secret secret, KeyChange change) throws IOException {
        if (change.slot() != KeyChange.ANY && (change.slot() < 0 || change.slot() >= LuksHeader.SLOT_COUNT)) {
            throw new IOException("keyslot=" + change.slot() + ": 0 to " + (LuksHeader.SLOT_COUNT - 1) + " is allowed");
        }
        try {
            if (change.added() != null) {
                add(secret, change);
            } else {
                remove(change);
            }
        } catch (GeneralSecurityException e) {
            throw LuksHeader.lacking(header, e);
        }
    }

    private void add(Secret secret, KeyChange change) throws IOException, GeneralSecurityException {
        byte[] key = header.masterKey(file, offset, secret);
        int slot = change.slot() != KeyChange.ANY ? change.slot() : free();
        if (header.active(slot) && !change.force()) {
            throw new IOException("key slot " + slot + " is in use: take its passphrase away first (state=inactive)");
        }
        header.requireRoom(slot);
        byte[] stripes = header.lock(slot, key, change.added().bytes(), change.millis());
        header.requireBoundedWork();
        Bytes.write(file, offset + header.material(slot), ByteBuffer.wrap(stripes));
        settle();
    }

    private int free() throws IOException {
        for (int slot = 0; slot < LuksHeader.SLOT_COUNT; slot++) {
            if (!header.active(slot)) {
                return slot;
            }
        }
        throw new IOException("all " + LuksHeader.SLOT_COUNT + " key slots are in use: take a passphrase away first"
                + " (state=inactive)");
    }

    private void remove(KeyChange change) throws IOException, GeneralSecurityException {
        List<Integer> slots = chosen(change);
        long active = all().stream().filter(header::active).count();
        if (slots.size() == active && !change.force()) {
            throw new IOException("that would take away the only passphrase that is left: nobody could read the disk any more"
                    + " (--force does it)");
        }
        for (int slot : slots) {
            header.requireRoom(slot);
            Bytes.write(file, offset + header.material(slot), ByteBuffer.wrap(LuksHeader.random(header.materialLength())));
            header.deactivate(slot);
        }
        settle();
    }

    private List<Integer> chosen(KeyChange change) throws IOException, GeneralSecurityException {
        if (change.slot() == KeyChange.ANY && change.removed() == null) {
            throw new IOException("which passphrase is to be taken away is not said: a key slot, or the passphrase");
        }
        List<Integer> slots = new ArrayList<>(change.slot() == KeyChange.ANY ? all() : List.of(change.slot()));
        slots.removeIf(slot -> !header.active(slot));
        if (slots.isEmpty()) {
            throw new IOException("key slot " + change.slot() + " has no passphrase");
        }
        if (change.removed() == null) {
            return slots;
        }
        header.requireBoundedWork();
        List<Integer> opened = new ArrayList<>();
        for (int slot : slots) {
            if (header.open(file, offset, slot, change.removed().bytes()) != null) {
                opened.add(slot);
            }
        }
        if (opened.isEmpty()) {
            throw new IOException("the passphrase that is to be taken away opens " + (change.slot() == KeyChange.ANY
                    ? "none of the image's key slots" : "not key slot " + change.slot()));
        }
        return opened;
    }

    private static List<Integer> all() {
        List<Integer> all = new ArrayList<>();
        for (int slot = 0; slot < LuksHeader.SLOT_COUNT; slot++) {
            all.add(slot);
        }
        return all;
    }

    private void settle() throws IOException {
        file.flush();
        header.write(file, offset);
        file.flush();
    }
}
