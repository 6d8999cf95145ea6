package org.jkvm.app.img;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jkvm.base.UserException;
import org.jkvm.storage.KeyChange;

/** The options of {@code amend} that change the passphrases of an encrypted image, by qemu-img's names. */
final class KeyOptions {
    private static final int MAX_SLOT = 7;
    private static final int DEFAULT_MILLIS = 2000;

    private final CreationOptions values;
    private final String prefix;

    private KeyOptions(CreationOptions values, String prefix) {
        this.values = values;
        this.prefix = prefix;
    }

    /** Each option of a format with its meaning. */
    static Map<String, String> of(String format) {
        String prefix = prefix(format);
        Map<String, String> options = new LinkedHashMap<>();
        if (prefix != null) {
            options.put(prefix + "state", "active, which adds a passphrase, or inactive, which takes one away");
            options.put(prefix + "new-secret", "the id of the secret that is the new passphrase");
            options.put(prefix + "old-secret", "the id of the secret that is the passphrase to be taken away");
            options.put(prefix + "keyslot", "0 to 7: the first free slot, or those of old-secret, unless given");
            options.put(prefix + "iter-time", "milliseconds that the check of the new passphrase takes; 2000 unless given");
        }
        return options;
    }

    private static String prefix(String format) {
        return switch (format) {
            case "luks" -> "";
            case "qcow2" -> "encrypt.";
            default -> null;
        };
    }

    /** The id of the secret that does not open the image yet, among the arguments of all {@code -o}, or null. */
    static String newSecret(Iterable<String> arguments) {
        for (String argument : arguments) {
            for (String part : argument.split(",")) {
                if (part.matches("(encrypt\\.)?new-secret=.*")) {
                    return part.substring(part.indexOf('=') + 1);
                }
            }
        }
        return null;
    }

    /** What is to be done; empty where passphrases stay as they are. */
    static Optional<KeyChange> change(String format, CreationOptions values, Secrets secrets, boolean force) {
        String prefix = prefix(format);
        boolean any = prefix != null && values.names().stream().anyMatch(of(format)::containsKey);
        return any ? Optional.of(new KeyOptions(values, prefix).change(secrets, force)) : Optional.empty();
    }

    private KeyChange change(Secrets secrets, boolean force) {
        String added = values.get(prefix + "new-secret");
        String removed = values.get(prefix + "old-secret");
        boolean active = active();
        if (active && (added == null || removed != null)) {
            throw new UserException(prefix + "state=active adds a passphrase: " + prefix + "new-secret=ID and no " + prefix
                    + "old-secret");
        }
        if (!active && (added != null || removed == null && slot() == KeyChange.ANY)) {
            throw new UserException(prefix + "state=inactive takes a passphrase away: " + prefix
                    + "old-secret=ID or " + prefix + "keyslot=N, and no " + prefix + "new-secret");
        }
        return new KeyChange(slot(), secrets.named(added), secrets.named(removed),
                values.number(prefix + "iter-time", DEFAULT_MILLIS), force);
    }

    private boolean active() {
        String state = values.get(prefix + "state");
        return switch (state == null ? "" : state) {
            case "active" -> true;
            case "inactive" -> false;
            case "" -> throw new UserException(prefix + "state= is missing: active adds a passphrase,"
                    + " inactive takes one away");
            default -> throw new UserException(prefix + "state=" + state + ": active or inactive is allowed");
        };
    }

    private int slot() {
        String slot = values.get(prefix + "keyslot");
        return slot == null ? KeyChange.ANY : ImageCommand.number(prefix + "keyslot", slot, 0, MAX_SLOT);
    }
}
