package org.jkvm.storage.nbd;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jkvm.base.UserException;

/** Pre-shared keys by identity, from a file as psktool writes it: a line {@code IDENTITY:HEX} for each. */
public final class PskFile {
    private final Path path;
    private final Map<String, byte[]> keys = new LinkedHashMap<>();

    /**
     * Reads {@code path}.
     *
     * @throws UserException where it can't be read or is no such file
     */
    public PskFile(Path path) {
        this.path = path;
        try {
            for (String line : Files.readAllLines(path, StandardCharsets.UTF_8)) {
                add(line.strip());
            }
        } catch (IOException e) {
            throw new UserException("cannot read the pre-shared keys in '" + path + "'");
        }
        if (keys.isEmpty()) {
            throw new UserException("'" + path + "' has no keys: lines IDENTITY:HEX, as psktool makes them, are expected");
        }
    }

    private void add(String line) {
        int colon = line.lastIndexOf(':');
        if (line.isEmpty() || line.startsWith("#")) {
            return;
        }
        try {
            keys.put(line.substring(0, Math.max(colon, 0)), HexFormat.of().parseHex(line.substring(colon + 1)));
        } catch (IllegalArgumentException e) {
            throw new UserException("'" + path + "' has a line that is not IDENTITY:HEX");
        }
    }

    /** A copy of the key of {@code identity}, which its user may wipe; null where there is none. */
    byte[] key(String identity) {
        byte[] key = keys.get(identity);
        return key == null ? null : key.clone();
    }

    /** {@code identity}, or where that is empty the first one in the file. */
    String identity(String identity) {
        return identity.isEmpty() ? keys.keySet().iterator().next() : identity;
    }

    Path path() {
        return path;
    }
}
