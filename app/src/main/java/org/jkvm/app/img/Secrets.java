package org.jkvm.app.img;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jkvm.base.UserException;
import org.jkvm.storage.Secret;

/** The passphrases that {@code --object secret,...} gives, by their ids. */
final class Secrets {
    static final List<Syntax.Entry> OPTIONS = List.of(new Syntax.Entry(List.of("--object"),
            "secret,id=ID,file=FILE|data=TEXT[,format=raw|base64]", "A passphrase. Encrypted images that are read are opened"
            + " with the first one that no -o names."));

    private final Map<String, Secret> byId = new LinkedHashMap<>();

    Secrets(Words given) {
        given.all("--object").forEach(this::take);
    }

    private void take(String object) {
        Map<String, String> values = new LinkedHashMap<>();
        for (String part : object.split(",")) {
            int equals = part.indexOf('=');
            values.put(equals < 0 ? "qom-type" : part.substring(0, equals), part.substring(equals + 1));
        }
        if (!"secret".equals(values.remove("qom-type")) || values.get("id") == null
                || values.containsKey("file") == values.containsKey("data")) {
            throw new UserException("--object secret,id=ID,file=FILE or data=TEXT is expected");
        }
        byId.put(values.get("id"), new Secret(decoded(values)));
    }

    private static byte[] decoded(Map<String, String> values) {
        byte[] bytes = values.containsKey("data") ? values.get("data").getBytes(StandardCharsets.UTF_8)
                : read(values.get("file"));
        try {
            return "base64".equals(values.get("format")) ? Base64.getMimeDecoder().decode(bytes) : bytes;
        } catch (IllegalArgumentException e) {
            throw new UserException("--object secret,id=" + values.get("id") + ": it is no base64");
        }
    }

    private static byte[] read(String file) {
        try {
            return Files.readAllBytes(ImageCommand.path(file));
        } catch (IOException e) {
            throw new UserException("--object secret,file=" + file + ": the file cannot be read");
        }
    }

    /** The passphrase of that id, or null where no id is given. */
    Secret named(String id) {
        if (id != null && !byId.containsKey(id)) {
            throw new UserException("there is no --object secret,id=" + id);
        }
        return id == null ? null : byId.get(id);
    }

    /** What images that are read are opened with: the first passphrase that is not {@code taken}, or null. */
    Secret other(String taken) {
        return byId.entrySet().stream().filter(e -> byId.size() == 1 || !e.getKey().equals(taken)).map(Map.Entry::getValue)
                .findFirst().orElse(null);
    }
}
