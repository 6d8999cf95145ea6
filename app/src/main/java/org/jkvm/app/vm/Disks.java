package org.jkvm.app.vm;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jkvm.app.settings.BlockNode;
import org.jkvm.base.UserException;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;

/** The images of a machine: opened here, closed by the machine. */
final class Disks {
    private final List<Open> open = new ArrayList<>();

    private record Open(BlockNode node, Image image) {
    }

    /**
     * Opens an image.
     *
     * @throws UserException naming the option
     */
    Image open(BlockNode node) {
        try {
            Image image = Images.open(node.file(), node.open());
            image.warnings().forEach(warning -> System.err.println("kvm: warning: " + warning));
            open.add(new Open(node, image));
            return image;
        } catch (UserException e) {
            throw new UserException(node.option() + ": " + e.getMessage());
        }
    }

    /** Closes everything: where the machine could not be built. */
    void close() {
        open.forEach(o -> o.image.close());
    }

    /** Makes durable what the disks have cached. */
    void flush() {
        open.forEach(o -> o.image.flush());
    }

    /** What {@code info block} says. */
    String describe() {
        StringBuilder text = new StringBuilder();
        for (Open o : open) {
            text.append("%s: %s (%s%s)\n    Size:             %d bytes\n    Cache mode:       %s\n".formatted(o.node.name(),
                    o.node.file(), o.image.format(), o.image.readOnly() ? ", read-only" : "", o.image.size(),
                    o.node.open().cache().name().toLowerCase(Locale.ROOT)));
        }
        return text.isEmpty() ? "no disks\n" : text.toString();
    }
}
