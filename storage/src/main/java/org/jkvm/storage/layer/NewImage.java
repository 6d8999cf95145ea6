package org.jkvm.storage.layer;

import java.nio.file.Path;

/**
 * An image that is being made.
 *
 * @param path its file's name
 * @param file the file, empty and locked
 * @param neighbours makes what else belongs to it
 */
public record NewImage(Path path, ImageFile file, Neighbours neighbours) {
    /** Makes files beside an image. */
    public interface Neighbours {
        /** An empty, locked file of that name in the image's folder, closed with the image. */
        ImageFile part(String name);

        /** Reserves storage for a range of a file that was made here; for {@code preallocation=falloc}. */
        void reserve(ImageFile file, long offset, long length);
    }
}
