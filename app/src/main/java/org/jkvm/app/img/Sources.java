package org.jkvm.app.img;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jkvm.storage.Image;
import org.jkvm.storage.ImageCopy;

/** Open images that become one disk, one behind the other. */
final class Sources implements AutoCloseable {
    private final List<Image> images = new ArrayList<>();

    /** Opens an image. */
    interface Opening {
        Image open();
    }

    /** Opens them all; where one cannot be opened, none stays open. */
    Sources(List<Opening> openings) {
        try {
            openings.forEach(opening -> images.add(opening.open()));
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    Image first() {
        return images.getFirst();
    }

    long size() {
        return images.stream().mapToLong(Image::size).sum();
    }

    /** Copies all of them into {@code target}. */
    void copy(Image target, ImageCopy.Options how, ImageCopy.Watcher watcher) throws IOException {
        long base = 0;
        for (Image image : images) {
            ImageCopy.run(image, target, base, how, watcher);
            base += image.size();
        }
    }

    @Override
    public void close() {
        images.forEach(Image::close);
    }
}
