package org.jkvm.storage.live;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jkvm.base.UserException;
import org.jkvm.base.backend.BlockDevice;
import org.jkvm.base.backend.Pieces;
import org.jkvm.storage.Image;
import org.jkvm.storage.layer.Buffers;

/**
 * The disk of a running machine: an {@link Image} that can be changed underneath. Requests pass limits, then a gate; what
 * changes the disk shuts the gate, waits until nothing is under way, and opens it again, so that to the guest it happens
 * between two requests. Methods of {@link BlockDevice} may be called from any thread and don't wait; the others wait for
 * the host, and must not be called where a request's completion would have to wait for the caller.
 *
 * <pre>
 *   guest --> Throttle --> Gate --> detect zeroes --> Image --> observers, statistics --> guest
 * </pre>
 */
public final class Drive implements BlockDevice {
    private static final System.Logger LOG = System.getLogger(Drive.class.getName());

    private final String name;
    private final Throttle throttle;
    private final DetectZeroes detectZeroes;
    private final Gate gate = new Gate();
    private final Statistics statistics = new Statistics();
    private final List<WriteObserver> observers = new CopyOnWriteArrayList<>();
    private final List<Runnable> resized = new CopyOnWriteArrayList<>();
    private final int blockSize;
    private volatile WriteGuard guard = WriteGuard.NONE;
    private volatile BiConsumer<Operation, Throwable> failed = (_, _) -> { };
    // Both change only while nothing is under way.
    private volatile Source source;
    private volatile Image image;

    /** Is told of every change to a disk's contents. */
    interface WriteObserver {
        /** A range has changed, or a request to change it has failed. On a thread of the disk's; must not wait. */
        void changed(long offset, long length);
    }

    /** What has to happen before the contents of a range change. */
    interface WriteGuard {
        WriteGuard NONE = (_, _) -> CompletableFuture.completedFuture(null);

        /** Completes, without a failure, when the range may change. Must not wait. */
        CompletableFuture<Void> before(long offset, long length);
    }

    /**
     * Opens {@code source}.
     *
     * @param name     as the monitor calls it
     * @param throttle shared by the disks of a group
     * @throws UserException where that fails
     */
    public Drive(String name, Source source, Throttle throttle, DetectZeroes detectZeroes) {
        this.name = name;
        this.source = source;
        this.throttle = throttle;
        this.detectZeroes = detectZeroes;
        image = source.open();
        blockSize = image.blockSize();
    }

    /** Its name. */
    public String name() {
        return name;
    }

    /** What it shows now. */
    public Source source() {
        return source;
    }

    /** The image that it shows now; somebody else may replace and close it at any time. */
    public Image image() {
        return image;
    }

    /** Whether it has a backing file, or a temporary overlay over its image. */
    public boolean hasBacking() {
        try {
            return source.temporary() || image.info().backing().isPresent();
        } catch (IOException e) {
            return false;
        }
    }

    /** Its limits, which may be changed. */
    public Throttle throttle() {
        return throttle;
    }

    /** What becomes of zeroes that the guest writes. */
    public DetectZeroes detectZeroes() {
        return detectZeroes;
    }

    /** What it has done. */
    public Statistics statistics() {
        return statistics;
    }

    /** Has {@code told} hear of every request that fails, on a thread of the disk's; it must not wait. */
    public void onFailure(BiConsumer<Operation, Throwable> told) {
        failed = told;
    }

    /** Has {@code told} run after each change of size, on the thread that made it. */
    public void onResize(Runnable told) {
        resized.add(told);
    }

    @Override
    public long size() {
        return image.size();
    }

    @Override
    public int blockSize() {
        return blockSize;
    }

    @Override
    public boolean readOnly() {
        return image.readOnly();
    }

    @Override
    public CompletableFuture<Void> read(long offset, MemorySegment target) {
        return read(offset, Pieces.of(target));
    }

    @Override
    public CompletableFuture<Void> write(long offset, MemorySegment data) {
        return write(offset, Pieces.of(data));
    }

    @Override
    public CompletableFuture<Void> read(long offset, Pieces target) {
        return request(Operation.READ, offset, target.byteSize(), i -> i.read(offset, target));
    }

    @Override
    public CompletableFuture<Void> write(long offset, Pieces data) {
        return request(Operation.WRITE, offset, data.byteSize(), i -> isDetectedZero(data)
                ? i.writeZeroes(offset, data.byteSize(), detectZeroes == DetectZeroes.UNMAP) : i.write(offset, data));
    }

    @Override
    public CompletableFuture<Void> flush() {
        return request(Operation.FLUSH, 0, 0, Image::flush);
    }

    @Override
    public CompletableFuture<Void> discard(long offset, long length) {
        return request(Operation.DISCARD, offset, length, i -> i.discard(offset, length));
    }

    @Override
    public CompletableFuture<Void> writeZeroes(long offset, long length, boolean mayUnmap) {
        return request(Operation.WRITE, offset, length, i -> i.writeZeroes(offset, length, mayUnmap));
    }

    @Override
    public void close() {
        image.close();
    }

    /**
     * Makes the disk {@code size} bytes long, a multiple of 512, and tells the guest.
     *
     * @throws IOException where the image can't be
     */
    public void resize(long size) throws IOException {
        drained(() -> {
            if (size < image.size()) {
                image.shrink(size);
            } else {
                image.grow(size);
            }
            return null;
        });
        resized.forEach(Runnable::run);
    }

    /** Does {@code work} while nothing is under way; everything that completed before is flushed first. */
    <T> T drained(Gate.Work<T> work) throws IOException {
        return gate.drained(() -> {
            await(image.flush());
            return work.run();
        });
    }

    /** The last that is done with an image. */
    interface Farewell {
        /** Does it. */
        void to(Image image) throws IOException;
    }

    /**
     * Closes the image, lets {@code prepare} make what comes after it, and opens that. Where this fails the old image is
     * opened again.
     *
     * @throws IOException what failed, in one line
     */
    void replace(Gate.Work<Source> prepare) throws IOException {
        replace(prepare, _ -> { });
    }

    /** The same with something done to the image before it is closed; where that fails the image stays open. */
    void replace(Gate.Work<Source> prepare, Farewell farewell) throws IOException {
        long before = size();
        drained(() -> {
            farewell.to(image);
            image.close();
            try {
                Source next = prepare.run();
                image = next.open();
                source = next;
            } catch (IOException | UserException e) {
                image = source.open();
                throw new IOException(e.getMessage(), e);
            }
            return null;
        });
        if (size() != before) {
            resized.forEach(Runnable::run);
        }
    }

    /**
     * Shows {@code next}, open already, instead; closes the old image. Only while drained. What the old image says to that is no
     * business of the disk's any more: perhaps it is left because it fails.
     */
    void switchTo(Source nextSource, Image next) {
        Image old = image;
        image = next;
        source = nextSource;
        try {
            old.close();
        } catch (UserException e) {
            LOG.log(System.Logger.Level.WARNING, "disk ''{0}'' shows another image now; {1}", name, e.getMessage());
        }
    }

    /** Has every change wait for {@code next}; null for none. Only while drained. */
    void setGuard(WriteGuard next) {
        guard = next == null ? WriteGuard.NONE : next;
    }

    void observe(WriteObserver observer) {
        observers.add(observer);
    }

    void forget(WriteObserver observer) {
        observers.remove(observer);
    }

    /** Waits for a request. */
    static <T> T await(CompletableFuture<T> request) throws IOException {
        try {
            return request.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof IOException failure ? failure : new IOException(e.getCause());
        }
    }

    private boolean isDetectedZero(Pieces data) {
        return detectZeroes != DetectZeroes.OFF && IntStream.range(0, data.count()).allMatch(i -> Buffers.isZero(data.get(i)));
    }

    private CompletableFuture<Void> request(Operation operation, long offset, long length,
            Function<Image, CompletableFuture<Void>> start) {
        Request request = new Request(operation, offset, length, start);
        throttle.admit(operation, length, request);
        return request.done;
    }

    /** A guest's request on its way: admitted, begun, over. */
    private final class Request implements Runnable, BiConsumer<Void, Throwable> {
        private final CompletableFuture<Void> done = new CompletableFuture<>();
        private final long made = System.nanoTime();
        private final Operation operation;
        private final long offset;
        private final long length;
        private final Function<Image, CompletableFuture<Void>> start;

        Request(Operation operation, long offset, long length, Function<Image, CompletableFuture<Void>> start) {
            this.operation = operation;
            this.offset = offset;
            this.length = length;
            this.start = start;
        }

        @Override
        public void run() {
            gate.enter(() -> begin().whenComplete(this));
        }

        /** Whatever goes wrong, it is over at some time: the gate waits for that. */
        private CompletableFuture<Void> begin() {
            WriteGuard now = guard;
            try {
                return now == WriteGuard.NONE || !changes() ? start.apply(image)
                        : now.before(offset, length).thenCompose(_ -> start.apply(image));
            } catch (RuntimeException | Error e) {
                return CompletableFuture.failedFuture(new IOException("disk '" + name + "': internal error: " + e, e));
            }
        }

        private boolean changes() {
            return operation == Operation.WRITE || operation == Operation.DISCARD;
        }

        /** First the gate, then the guest: whoever waits for the gate must not depend on the guest's device. */
        @Override
        public void accept(Void nothing, Throwable thrown) {
            if (changes()) {
                observers.forEach(o -> o.changed(offset, length));
            }
            statistics.count(operation, length, System.nanoTime() - made, thrown != null);
            gate.leave();
            if (thrown == null) {
                done.complete(null);
            } else {
                fail(thrown instanceof CompletionException && thrown.getCause() != null ? thrown.getCause() : thrown);
            }
        }

        private void fail(Throwable cause) {
            failed.accept(operation, cause);
            done.completeExceptionally(cause);
        }
    }
}
