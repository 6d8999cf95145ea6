package org.jkvm.storage.live;

import java.nio.file.Path;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;

/**
 * What a disk's contents come from, and how that is opened.
 *
 * @param path      the image
 * @param options   how it is opened
 * @param temporary writes go to an overlay that vanishes when it is closed: {@code snapshot=on}
 */
public record Source(Path path, OpenOptions options, boolean temporary) {
    /**
     * Opens it.
     *
     * @throws org.jkvm.base.UserException where that fails
     */
    Image open() {
        return temporary ? Images.openTemporary(path, options) : Images.open(path, options);
    }

    /** Another image, opened in the same way. */
    public Source at(Path newPath, String format) {
        return new Source(newPath, options.withFormat(format), false);
    }
}
