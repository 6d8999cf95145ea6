package org.jkvm.storage;

/** A passphrase, as bytes. Unlike a record it does not show itself in messages. */
public final class Secret {
    private final byte[] bytes;

    /** A passphrase; a copy of {@code bytes} is kept. */
    public Secret(byte[] bytes) {
        this.bytes = bytes.clone();
    }

    /** A copy of the passphrase. */
    public byte[] bytes() {
        return bytes.clone();
    }

    @Override
    public String toString() {
        return "Secret";
    }
}
