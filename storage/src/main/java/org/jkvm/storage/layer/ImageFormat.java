package org.jkvm.storage.layer;

import java.io.IOException;
import java.util.Map;
import org.jkvm.base.UserException;
import org.jkvm.storage.CreateOptions;

/** A format of images beside raw and qcow2. No state of its own: one instance serves everybody. */
public interface ImageFormat {
    /** Its name, as in {@code -f}. */
    String name();

    /**
     * Opens an image. What the image says is checked; nothing of it is believed.
     *
     * @throws IOException with one line that says what is wrong with it; the caller closes the files then
     */
    Layer open(Source source) throws IOException;

    /**
     * Makes an image in an empty file.
     *
     * @throws UserException where an option cannot be
     */
    default void create(NewImage image, CreateOptions options) throws IOException {
        throw new UserException("images of format " + name() + " can be opened, and not made");
    }

    /** Whether {@link #create} is there. */
    default boolean creatable() {
        return false;
    }

    /** Names of the values in {@link CreateOptions#more} that {@link #create} knows, each with its meaning. */
    default Map<String, String> creationOptions() {
        return Map.of();
    }
}
