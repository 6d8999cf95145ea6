package org.jkvm.storage.layer;

import java.nio.file.Path;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.OpenOptions;

/**
 * An image that is being opened.
 *
 * @param path its file's name
 * @param file the file, locked
 * @param options how it is opened
 * @param neighbours opens what else belongs to it
 */
public record Source(Path path, ImageFile file, OpenOptions options, Neighbours neighbours) {
    /** Opens files that an image names; they are opened and locked as the image is. */
    public interface Neighbours {
        /**
         * A file that holds a part of the image, by its name in the image: a plain name in the image's folder, so that an
         * image cannot have any file of the host's read.
         *
         * @throws org.jkvm.base.UserException where it cannot be opened
         */
        ImageFile part(String name);

        /** The image that this one stands on, read-only; null where only the image's metadata is asked for. */
        Layer backing(ImageInfo.Backing backing);
    }
}
