package org.jkvm.storage.qcow2;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jkvm.base.UserException;

/** What a backing file's name in an image means. */
public final class BackingName {
    private BackingName() {
    }

    /**
     * The file that {@code name} means in the image at {@code image}: a relative name starts in the image's folder.
     *
     * @throws org.jkvm.base.UserException where it is no file name
     */
    public static Path resolve(Path image, String name) {
        String plain = name.startsWith("file:") ? name.substring("file:".length()) : name;
        if (!name.startsWith("file:") && name.matches("[a-zA-Z][a-zA-Z0-9+.-]*:.*")) {
            throw new UserException("backing file '" + name + "' of '" + image
                    + "': only file names are supported, no protocols and no json:");
        }
        try {
            return image.resolveSibling(plain);
        } catch (InvalidPathException e) {
            throw new UserException("backing file '" + name + "' of '" + image + "' is no file name");
        }
    }
}
