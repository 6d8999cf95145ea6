package org.jkvm.storage.live;

import java.io.IOException;
import org.jkvm.storage.BlockStatus;
import org.jkvm.storage.Image;

/** Copies what a disk has from its backing files into its own image, and then does without them: {@code block_stream}. */
final class StreamJob extends Job {
    private static final int PIECE = 1 << 20;

    private volatile long left;

    StreamJob(Drive drive) {
        super("stream", drive);
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
            boolean below = status.depth() > 0 && status.present();
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
        drive().replace(() -> drive().source(), i -> i.nameBacking(null, null));
    }
}
