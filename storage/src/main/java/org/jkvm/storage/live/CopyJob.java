package org.jkvm.storage.live;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jkvm.storage.BlockStatus;
import org.jkvm.storage.Image;
import org.jkvm.storage.layer.Buffers;

/**
 * Copies a disk that is in use: first what is in it, then again what the guest changed meanwhile, until nothing is left.
 * The last of that is copied while the guest's requests are held back, and then the end is made: so what is copied is the
 * disk at one moment.
 */
final class CopyJob extends Job {
    private static final int PIECE = 1 << 20;

    private final Plan plan;
    private final Image target;
    private final DirtyMap dirty;

    /**
     * What is copied, and what follows.
     *
     * @param onlyTop what comes from the disk's backing files is left out
     * @param zeroed  the target reads as zeroes where nothing is written
     * @param waits   whether somebody must say when it ends
     * @param end     makes the end, with everything copied and nothing under way
     * @param undo    where there was no end: lets go of the target
     */
    record Plan(boolean onlyTop, boolean zeroed, boolean waits, Gate.Work<Void> end, Runnable undo) {
    }

    CopyJob(String type, Drive drive, Image target, Plan plan) {
        super(type, drive);
        this.plan = plan;
        this.target = target;
        this.dirty = new DirtyMap(drive.size());
    }

    @Override
    long remaining() {
        return dirty.bytes();
    }

    @Override
    void work() throws IOException {
        boolean ended = false;
        Drive.WriteObserver observer = dirty::set;
        drive().observe(observer);
        try (Arena arena = Arena.ofShared()) {
            MemorySegment buffer = Buffers.allocate(arena, PIECE);
            markAll();
            follow(buffer);
            drive().drained(() -> {
                copyAll(buffer);
                Drive.await(target.flush());
                return plan.end().run();
            });
            ended = true;
        } finally {
            drive().forget(observer);
            if (!ended) {
                plan.undo().run();
            }
        }
    }

    /** Marks what has contents. */
    private void markAll() throws IOException {
        Image image = drive().image();
        long at = 0;
        while (at < image.size()) {
            BlockStatus status = image.status(at, image.size() - at);
            boolean skip = plan.onlyTop() ? status.depth() > 0 || !status.present() : plan.zeroed() && status.zero();
            if (!skip) {
                dirty.set(at, status.length());
            }
            at += status.length();
        }
    }

    /** Copies until little is left, or where somebody says when it ends until they do. */
    private void follow(MemorySegment buffer) throws IOException {
        while (true) {
            DirtyMap.Run run = dirty.take(PIECE);
            if (run != null) {
                copy(run, buffer);
                if (!cancelledWhenReady()) {
                    pace(run.length());
                }
            } else if (!plan.waits() || completing()) {
                return;
            } else if (cancelledWhenReady()) {
                leaveCopy(buffer);
            } else {
                setReady();
                doze();
            }
        }
    }

    /** Who lets go of a copy that was in step gets the disk as it is at one moment. */
    private void leaveCopy(MemorySegment buffer) throws IOException {
        drive().drained(() -> {
            copyAll(buffer);
            return Drive.await(target.flush());
        });
        throw new CancelledException();
    }

    private void doze() throws IOException {
        try {
            dirty.await(TICK_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancelledException();
        }
    }

    private void copyAll(MemorySegment buffer) throws IOException {
        for (DirtyMap.Run run = dirty.take(PIECE); run != null; run = dirty.take(PIECE)) {
            copy(run, buffer);
        }
    }

    private void copy(DirtyMap.Run run, MemorySegment buffer) throws IOException {
        try {
            long at = run.offset();
            long end = run.offset() + run.length();
            while (at < end) {
                BlockStatus status = drive().image().status(at, end - at);
                copy(at, status, buffer.asSlice(0, status.length()));
                at += status.length();
            }
        } catch (IOException e) {
            dirty.set(run.offset(), run.length());
            throw e;
        }
        progress(run.length());
    }

    private void copy(long offset, BlockStatus status, MemorySegment buffer) throws IOException {
        if (plan.onlyTop() && (status.depth() > 0 || !status.present())) {
            return;
        }
        if (status.zero()) {
            Drive.await(target.writeZeroes(offset, status.length(), true));
            return;
        }
        Drive.await(drive().image().read(offset, buffer));
        if (Buffers.isZero(buffer)) {
            Drive.await(target.writeZeroes(offset, buffer.byteSize(), true));
        } else {
            Drive.await(target.write(offset, buffer));
        }
    }
}
