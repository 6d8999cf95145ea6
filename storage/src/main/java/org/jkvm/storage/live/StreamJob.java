package org.jkvm.storage.live;

import java.io.IOException;
import java.nio.file.Path;
import org.jkvm.storage.BlockStatus;
import org.jkvm.storage.Image;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;

/**
 * Copies what a disk has from its backing files, or from those above one of them, into its own image, and then does without
 * them: {@code block_stream}.
 */
final class StreamJob extends Job {
    private static final int PIECE = 1 << 20;

    private volatile long left;

    private final Base base;

    /** {@code base} is the first backing file that stays. */
    StreamJob(Drive drive, Base base) {
        super("stream", drive);
        this.base = base;
        left = drive.size();
    }

    @Override
    long remaining() {
        return left;
    }

    @Override
    void work() throws IOException {
        Image image = drive().image();
        long size = image.size();
        long at = 0;
        while (at < size) {
            BlockStatus status = image.status(at, size - at);
            boolean below = status.depth() > 0 && status.depth() < base.depth() && status.present();
            long length = below ? Math.min(PIECE, status.length()) : status.length();
            if (below) {
                // The image sees to it that what the guest writes meanwhile stays.
                Drive.await(image.copyUp(at, length));
            }
            at += length;
            left = size - at;
            progress(length);
            pace(below ? length : 0);
        }
        drive().replace(() -> drive().source(), i -> i.nameBacking(base.name(), base.format()));
    }

    /**
     * A backing file that stays below the image.
     *
     * @param depth how many images are above it
     * @param name its name for the image's header, or null for none
     * @param format its format, or null
     */
    record Base(int depth, String name, String format) {
        static final Base NONE = new Base(Integer.MAX_VALUE, null, null);

        /** The one in {@code path}. */
        static Base find(Image image, Path path) throws IOException {
            Path wanted = path.toAbsolutePath().normalize();
            int depth = 1;
            for (ImageInfo.Backing below = image.info().backing().orElse(null); below != null; depth++) {
                if (below.path().toAbsolutePath().normalize().equals(wanted)) {
                    return new Base(depth, wanted.toString(), below.format());
                }
                below = below(below);
            }
            throw new IOException("'" + path + "' is none of the disk's backing files");
        }

        private static ImageInfo.Backing below(ImageInfo.Backing image) throws IOException {
            OpenOptions look = OpenOptions.defaults().withFormat(image.format()).withReadOnly(true).withForceShare(true);
            try (Image alone = Images.inspect(image.path(), look)) {
                return alone.info().backing().orElse(null);
            }
        }
    }
}
