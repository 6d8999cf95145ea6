package org.jkvm.app.img;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jkvm.app.cli.OptionList;
import org.jkvm.base.UserException;
import org.jkvm.storage.Secret;

/** Passphrases that {@code --object} gives. */
final class Secrets {
    static final List<Syntax.Entry> OPTIONS = List.of(new Syntax.Entry(List.of("--object"),
            "secret,id=ID,data=TEXT|file=FILE[,format=base64]", "A passphrase. encrypt.key-secret=ID (qcow2) or"
                    + " key-secret=ID (luks) names it; images that are read are opened with the first one that no -o names"
                    + " unless --image-opts does."));

    private final Map<String, Secret> secrets = new LinkedHashMap<>();

    Secrets(Words given) {
        given.all("--object").forEach(this::add);
    }

    private void add(String text) {
        OptionList options = OptionList.parse("--object", text, "qom-type");
        String type = options.required("qom-type");
        if (!type.equals("secret")) {
            throw new UserException("--object " + type + ": secret is allowed");
        }
        String id = options.required("id");
        String data = options.string("data").orElse(null);
        String file = options.string("file").orElse(null);
        String format = options.oneOf("format", "raw", "raw", "base64");
        options.end();
        if (data == null == (file == null)) {
            throw new UserException("--object secret,id=" + id + ": either data= or file= is needed");
        }
        byte[] bytes = file == null ? data.getBytes(StandardCharsets.UTF_8) : read(file);
        secrets.put(id, new Secret(format.equals("base64") ? decode(id, bytes) : bytes));
    }

    private static byte[] read(String file) {
        return ImageCommand.on(ImageCommand.path(file), () -> Files.readAllBytes(ImageCommand.path(file)));
    }

    private static byte[] decode(String id, byte[] text) {
        try {
            return Base64.getMimeDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            throw new UserException("--object secret,id=" + id + ": its data is not base64");
        }
    }

    /** The passphrase of that id; null where no id is given. */
    Secret named(String id) {
        if (id != null && !secrets.containsKey(id)) {
            throw new UserException("key-secret=" + id + ": there is no --object secret,id=" + id);
        }
        return id == null ? null : secrets.get(id);
    }

    /** What images that are read are opened with: the first passphrase that is not {@code taken}, or null. */
    Secret other(String taken) {
        return secrets.entrySet().stream().filter(e -> secrets.size() == 1 || !e.getKey().equals(taken))
                .map(Map.Entry::getValue).findFirst().orElse(null);
    }
}
