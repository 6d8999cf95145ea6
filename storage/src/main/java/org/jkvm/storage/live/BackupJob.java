package org.jkvm.storage.live;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jkvm.storage.BlockStatus;
import org.jkvm.storage.Image;
import org.jkvm.storage.layer.Buffers;

/**
 * Copies a disk as it is when {@link #begin} returns, while it is in use: what a guest is about to overwrite is copied
 * before, and the guest's write waits for that. Where the target fails the job does, and no write of the guest's.
 */
final class BackupJob extends Job {
    private static final int MIN_UNIT = 64 << 10;
    private static final int MOST = 1 << 20;
    private static final CompletableFuture<Void> DONE = CompletableFuture.completedFuture(null);

    /**
     * What is copied, and how.
     *
     * @param onlyTop  what comes from the disk's backing files is left out: the target stands on the same
     * @param compress the target's clusters are packed, where it can
     * @param zeroed   the target reads as zeroes where nothing is written
     */
    record Plan(boolean onlyTop, boolean compress, boolean zeroed) {
    }

    private final Plan plan;
    private final Image target;
    private final long size;
    private final int cluster;
    private final int unit;
    // Guarded by this: units that are still to be copied, and copies under way.
    private final BitSet todo = new BitSet();
    private final Set<Copy> copies = new HashSet<>();
    private Throwable failure;

    /** Units {@code first} up to but not {@code end} being copied; done also where that failed. */
    private record Copy(int first, int end, CompletableFuture<Void> done) {
        @Override
        public boolean equals(Object other) {
            return this == other;
        }

        @Override
        public int hashCode() {
            return first;
        }
    }

    BackupJob(Drive drive, Image target, Plan plan) throws IOException {
        super("backup", drive);
        this.target = target;
        this.plan = plan;
        this.size = drive.size();
        this.cluster = (int) target.info().clusterSize();
        this.unit = Math.max(MIN_UNIT, cluster);
        if (size / unit >= Integer.MAX_VALUE) {
            throw new IOException("a disk of " + size + " bytes is too large to be copied in pieces of " + unit);
        }
    }

    @Override
    synchronized long remaining() {
        return (long) todo.cardinality() * unit;
    }

    /** From the return on the guest's changes are not copied any more; {@link #start} has to follow. */
    void begin() throws IOException {
        drive().drained(() -> {
            markAll();
            drive().setGuard(this::before);
            return null;
        });
    }

    @Override
    void work() throws IOException {
        try (Image _ = target) {
            try {
                copyAll();
            } finally {
                letGo();
            }
            Drive.await(target.flush());
        }
    }

    private void copyAll() throws IOException {
        int all = units(size);
        for (Copy copy = next(0, all); copy != null; copy = next(0, all)) {
            Drive.await(copy.done());
            pace((long) (copy.end() - copy.first()) * unit);
        }
    }

    /** Behind the gate no write waits for a copy: after that none is begun, and what failed is known. */
    private void letGo() throws IOException {
        drive().drained(() -> {
            drive().setGuard(null);
            return null;
        });
        refuseFailure();
    }

    private int units(long bytes) {
        return (int) ((bytes + unit - 1) / unit);
    }

    private synchronized void refuseFailure() throws IOException {
        if (failure != null) {
            throw failure instanceof IOException e ? e : new IOException(failure);
        }
    }

    private synchronized void markAll() throws IOException {
        Image image = drive().image();
        for (long at = 0; at < size; ) {
            BlockStatus status = image.status(at, size - at);
            boolean skip = plan.onlyTop() ? status.depth() > 0 || !status.present() : plan.zeroed() && status.zero();
            if (!skip) {
                todo.set((int) (at / unit), units(at + status.length()));
            }
            at += status.length();
        }
    }

    /** Has what is about to change copied first; one stretch after another, so that a large change takes little memory. */
    private CompletableFuture<Void> before(long offset, long length) {
        return length == 0 ? DONE : copyBefore((int) (offset / unit), units(offset + length));
    }

    private CompletableFuture<Void> copyBefore(int first, int end) {
        CompletableFuture<Void> wanted = underWay(first, end);
        if (wanted == null) {
            Copy copy = next(first, end);
            wanted = copy == null ? null : copy.done();
        }
        return wanted == null ? DONE : wanted.thenComposeAsync(_ -> copyBefore(first, end));
    }

    private synchronized CompletableFuture<Void> underWay(int first, int end) {
        return copies.stream().filter(c -> c.first() < end && first < c.end()).map(Copy::done).findFirst().orElse(null);
    }

    /** Begins to copy the first units between {@code first} and {@code end} that are to be; null where none are. */
    private Copy next(int first, int end) {
        Copy copy;
        synchronized (this) {
            int from = failure == null ? todo.nextSetBit(first) : -1;
            if (from < 0 || from >= end) {
                return null;
            }
            int to = Math.min(Math.min(end, todo.nextClearBit(from)), from + Math.max(1, MOST / unit));
            todo.clear(from, to);
            copy = new Copy(from, to, new CompletableFuture<>());
            copies.add(copy);
        }
        long offset = (long) copy.first() * unit;
        long bytes = Math.min((long) copy.end() * unit, size) - offset;
        transfer(offset, bytes).whenComplete((_, thrown) -> over(copy, bytes, thrown));
        return copy;
    }

    private void over(Copy copy, long bytes, Throwable thrown) {
        synchronized (this) {
            copies.remove(copy);
            failure = failure == null && thrown != null ? cause(thrown) : failure;
            progress(bytes);
        }
        copy.done().complete(null);
    }

    private static Throwable cause(Throwable thrown) {
        return thrown.getCause() == null ? thrown : thrown.getCause();
    }

    /** Where there is no memory for it the job fails; writes that wait for it go on. */
    private CompletableFuture<Void> transfer(long offset, long bytes) {
        try {
            MemorySegment buffer = Buffers.allocate(bytes);
            return drive().image().read(offset, buffer).thenCompose(_ -> write(offset, buffer));
        } catch (OutOfMemoryError e) {
            return CompletableFuture.failedFuture(new IOException("no memory to copy " + bytes + " bytes", e));
        }
    }

    private CompletableFuture<Void> write(long offset, MemorySegment data) {
        if (Buffers.isZero(data)) {
            return plan.zeroed() ? DONE : target.writeZeroes(offset, data.byteSize(), true);
        }
        return plan.compress() ? pack(offset, data) : target.write(offset, data);
    }

    /** Clusters one after another; what does not get shorter is written as it is. */
    private CompletableFuture<Void> pack(long offset, MemorySegment data) {
        if (data.byteSize() == 0) {
            return DONE;
        }
        MemorySegment first = data.asSlice(0, Math.min(cluster == 0 ? unit : cluster, data.byteSize()));
        MemorySegment rest = data.asSlice(first.byteSize());
        return target.writeCompressed(offset, first)
                .thenCompose(packed -> packed ? DONE : target.write(offset, first))
                .thenCompose(_ -> pack(offset + first.byteSize(), rest));
    }
}
