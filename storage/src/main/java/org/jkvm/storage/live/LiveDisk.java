package org.jkvm.storage.live;

import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.jkvm.base.UserException;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Image;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.jkvm.storage.Snapshots;

/**
 * What can be done to a disk while a machine uses it. To the guest each happens between two requests. One thing at a time:
 * while a job goes on nothing else is begun. Methods wait for the host; what is wrong is an {@link IOException} or a
 * {@link UserException} with one line, and the disk is what it was.
 */
public final class LiveDisk {
    private final Drive drive;
    private final Consumer<Job> ended;
    private Job job;

    /** What can be done to {@code drive}; {@code ended} is told, on a thread of its own, of every job that is over. */
    public LiveDisk(Drive drive, Consumer<Job> ended) {
        this.drive = drive;
        this.ended = ended;
    }

    /** The disk. */
    public Drive drive() {
        return drive;
    }

    /** The job that goes on, or null. */
    public synchronized Job job() {
        return job == null || job.concluded() ? null : job;
    }

    private void refuseWhileBusy() {
        if (job() != null) {
            throw new UserException("disk '" + drive.name() + "' is in use by a " + job.type() + " job");
        }
    }

    private void refuseTemporary(String what) {
        if (drive.source().temporary()) {
            throw new UserException("disk '" + drive.name() + "' has a temporary overlay (snapshot=on): " + what);
        }
    }

    /** Makes the disk {@code size} bytes long, a multiple of 512. */
    public synchronized void resize(long size) throws IOException {
        refuseWhileBusy();
        drive.resize(size);
    }

    /**
     * Lets the image stand and sends what is written from now on to a new one over it: {@code snapshot_blkdev}.
     *
     * @param overlay the new image
     * @param format  its format, one that has backing files
     * @param reuse   it is there already, and has the disk's image for its backing file
     */
    public synchronized void snapshot(Path overlay, String format, boolean reuse) throws IOException {
        refuseWhileBusy();
        refuseTemporary("it cannot be the backing file of another image");
        Source below = drive.source();
        String belowFormat = drive.image().format();
        long size = drive.size();
        drive.replace(() -> {
            if (!reuse) {
                CreateOptions over = CreateOptions.over(below.path().toAbsolutePath().toString(), belowFormat, size);
                if (!format.equals(over.format())) {
                    throw new UserException("format " + format + " has no backing files: qcow2 has");
                }
                Images.create(overlay, over);
            }
            return below.at(overlay, format);
        });
    }

    /** Keeps the disk's contents inside its image: {@code snapshot_blkdev_internal}. */
    public synchronized ImageInfo.Snapshot keep(Snapshots.Label label) throws IOException {
        refuseWhileBusy();
        return drive.drained(() -> inner().create(label));
    }

    /** Removes a snapshot from inside the image: {@code snapshot_delete_blkdev_internal}. */
    public synchronized void drop(String idOrName) throws IOException {
        refuseWhileBusy();
        drive.drained(() -> {
            inner().delete(idOrName);
            return null;
        });
    }

    private Snapshots inner() throws IOException {
        return drive.image().snapshots().orElseThrow(() -> new IOException("format " + drive.image().format()
                + " of '" + drive.image().path() + "' has no internal snapshots"));
    }

    /**
     * Copies the disk to another image and keeps that in step; when completed the disk shows that: {@code drive_mirror}.
     *
     * @param target an image that is large enough, or is made so
     * @param format its format
     * @param full   whether the backing files' contents are copied too; otherwise the target stands on the same
     * @param reuse  the target is there already
     */
    public synchronized void mirror(Path target, String format, boolean full, boolean reuse) throws IOException {
        refuseWhileBusy();
        ImageInfo.Backing backing = full ? null : backing();
        Image image = target(target, format, backing, reuse);
        Source source = new Source(target, drive.source().options().withFormat(format), false);
        start(new CopyJob("mirror", drive, image, new CopyJob.Plan(backing != null, !reuse && backing == null, true, () -> {
            drive.switchTo(source, image);
            return null;
        }, image::close)));
    }

    /**
     * Copies the disk as it is now to another image: {@code drive_backup}. The arguments are those of {@link #mirror}.
     *
     * @param compress the target's clusters are packed
     */
    public synchronized void backup(Path target, String format, boolean full, boolean reuse, boolean compress)
            throws IOException {
        refuseWhileBusy();
        ImageInfo.Backing backing = full ? null : backing();
        Image image = target(target, format, backing, reuse);
        BackupJob backup;
        try {
            backup = new BackupJob(drive, image, new BackupJob.Plan(backing != null, compress, !reuse && backing == null));
            backup.begin();
        } catch (IOException e) {
            image.close();
            throw e;
        }
        start(backup);
    }

    private ImageInfo.Backing backing() throws IOException {
        return drive.source().temporary() ? null : drive.image().info().backing().orElse(null);
    }

    /** Opens what is to be copied to, and makes it where it is not there already. */
    private Image target(Path target, String format, ImageInfo.Backing backing, boolean reuse) throws IOException {
        if (!reuse) {
            Images.create(target, backing == null ? CreateOptions.of(format, drive.size())
                    : CreateOptions.over(backing.path().toAbsolutePath().toString(), backing.format(), drive.size()));
        }
        OpenOptions options = drive.source().options().withFormat(format).withReadOnly(false);
        Image image = Images.open(target, options);
        if (image.size() < drive.size()) {
            image.close();
            throw new IOException("'" + target + "' has " + image.size() + " bytes, less than the disk's " + drive.size());
        }
        return image;
    }

    /**
     * Writes what the image has into its backing file, and gives it up: {@code commit}. A smaller backing file is made as
     * large as the disk.
     */
    public synchronized void commit() throws IOException {
        refuseWhileBusy();
        if (drive.readOnly()) {
            throw new IOException("the disk is read-only");
        }
        Image base = drive.drained(() -> drive.image().reopenBacking(true));
        try {
            if (base.size() < drive.size()) {
                base.grow(drive.size());
            }
        } catch (IOException e) {
            giveUpCommit(base);
            throw e;
        }
        start(new CopyJob("commit", drive, base, new CopyJob.Plan(true, false, false, () -> {
            drive.image().empty();
            Drive.await(drive.image().flush());
            base.close();
            drive.image().reopenBacking(false).close();
            return null;
        }, () -> giveUpCommit(base))));
    }

    private void giveUpCommit(Image base) {
        base.close();
        try {
            drive.drained(() -> drive.image().reopenBacking(false)).close();
        } catch (IOException _) {
            // It stays open for writing, and nobody writes.
        }
    }

    /**
     * Copies what the disk has from its backing files into its image, and drops them: {@code block_stream}.
     *
     * @param base the backing file that stays, with all below it; null drops all
     */
    public synchronized void stream(long speed, Path base) throws IOException {
        refuseWhileBusy();
        refuseTemporary("there is nothing to keep");
        if (drive.readOnly() || drive.image().info().backing().isEmpty()) {
            throw new IOException(drive.readOnly() ? "the disk is read-only" : "the disk has no backing file");
        }
        StreamJob stream = new StreamJob(drive, base == null ? StreamJob.Base.NONE
                : StreamJob.Base.find(drive.image(), base));
        stream.setSpeed(speed);
        start(stream);
    }

    private void start(Job begun) {
        job = begun;
        begun.start(() -> ended.accept(begun));
    }

    /** Ends a job, waits until it is over, and closes the disk. */
    public void close() {
        endJob();
        drive.close();
    }

    /** Ends a job and waits until it is over. */
    public void endJob() {
        Job last = job();
        if (last != null) {
            last.cancel(true);
            try {
                last.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
