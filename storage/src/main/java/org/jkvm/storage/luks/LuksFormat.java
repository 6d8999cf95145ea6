package org.jkvm.storage.luks;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jkvm.base.UserException;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.ImageFormat;
import org.jkvm.storage.layer.Layer;
import org.jkvm.storage.layer.NewImage;
import org.jkvm.storage.layer.Source;
import org.jkvm.storage.raw.RawLayer;

/** A LUKS header, and behind it the disk's bytes, encrypted. What was never written reads as anything. */
public final class LuksFormat implements ImageFormat {
    /** As long as cryptsetup and QEMU let the check of a passphrase take. */
    private static final int DEFAULT_MILLIS = 2000;

    @Override
    public String name() {
        return "luks";
    }

    @Override
    public Layer open(Source source) throws IOException {
        ImageFile file = source.file();
        LuksHeader header = LuksHeader.read(file, 0, file.size());
        requireSecret(source);
        CryptFile disk = CryptFile.open(file, header, 0, header.payload(), source.options().secret());
        return new RawLayer(source.path(), disk, source.options(), false, name());
    }

    private static void requireSecret(Source source) {
        if (source.options().secret() == null && !source.options().readOnly()) {
            throw new UserException("image '" + source.path() + "' is encrypted, and no passphrase was given");
        }
    }

    @Override
    public boolean creatable() {
        return true;
    }

    @Override
    public Map<String, String> creationOptions() {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("cipher-alg", "aes-256");
        options.put("cipher-mode", "xts");
        options.put("hash-alg", "sha256");
        options.put("iter-time", "milliseconds that the check of the passphrase takes on this host; 2000 unless given");
        options.put("ivgen-alg", "plain64");
        options.put("key-secret", "the id of the secret that is the passphrase");
        return options;
    }

    /** The value of {@code iter-time}, under the prefix that it has in the format. */
    public static int millis(CreateOptions options, String prefix) {
        options.choice(prefix + "cipher-alg", "aes-256");
        options.choice(prefix + "cipher-mode", "xts");
        options.choice(prefix + "hash-alg", "sha256");
        options.choice(prefix + "ivgen-alg", "plain64");
        if (options.secret() == null) {
            throw new UserException("an encrypted image needs a passphrase: --object secret,id=ID,... and " + prefix
                    + "key-secret=ID");
        }
        return options.moreSize(prefix + "iter-time", DEFAULT_MILLIS);
    }

    @Override
    public void create(NewImage image, CreateOptions options) throws IOException {
        ImageFile file = image.file();
        LuksHeader.create(file, 0, options.secret(), millis(options, ""));
        LuksHeader header = LuksHeader.read(file, 0, LuksHeader.newLength());
        file.setSize(header.payload() + options.size());
        switch (options.preallocation()) {
            case OFF -> { }
            case METADATA -> throw new UserException("preallocation=metadata: luks has none; off, falloc and full are allowed");
            case FALLOC -> image.neighbours().reserve(file, 0, file.size());
            case FULL -> Buffers.writeZeroes(CryptFile.open(file, header, 0, header.payload(), options.secret()), 0,
                    options.size());
        }
    }
}
