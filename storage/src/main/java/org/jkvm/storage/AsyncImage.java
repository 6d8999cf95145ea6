package org.jkvm.storage;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jkvm.base.UserException;
import org.jkvm.base.backend.Pieces;
import org.jkvm.storage.layer.Layer;

/** A {@link Layer} behind a pool of host threads. Platform threads: they spend their time in system calls. */
final class AsyncImage implements Image {
    private static final int BLOCK_SIZE = 512;
    private static final int IDLE_SECONDS = 10;
    private static final int MOST_AT_ONCE = 64 << 10;

    private final Path path;
    private final Layer layer;
    private final OpenOptions options;
    private final boolean readOnly;
    private final List<String> warnings;
    private final ExecutorService workers;
    private final AtomicBoolean closed = new AtomicBoolean();

    AsyncImage(Path path, Layer layer, OpenOptions options, List<String> warnings) {
        this.path = path;
        this.layer = layer;
        this.options = options;
        this.readOnly = options.readOnly();
        this.warnings = List.copyOf(warnings);
        this.workers = workers("disk " + path.getFileName(), options.threads());
    }

    private static ExecutorService workers(String name, int threads) {
        ThreadPoolExecutor pool = new ThreadPoolExecutor(threads, threads, IDLE_SECONDS, TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(), Thread.ofPlatform().daemon().name(name + " ", 0).factory());
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public String format() {
        return layer.format();
    }

    @Override
    public List<String> warnings() {
        return warnings;
    }

    @Override
    public long size() {
        return layer.size();
    }

    @Override
    public int blockSize() {
        return BLOCK_SIZE;
    }

    @Override
    public boolean readOnly() {
        return readOnly;
    }

    /** Small reads that the host has in its cache are done at once: a thread's waking takes longer than they do. */
    @Override
    public CompletableFuture<Void> read(long offset, Pieces target) {
        if (target.byteSize() <= MOST_AT_ONCE && inRange(offset, target.byteSize()) && !closed.get()
                && layer.readNow(offset, target)) {
            return CompletableFuture.completedFuture(null);
        }
        return submit(() -> {
            checkRange(offset, target.byteSize());
            layer.read(offset, target);
        });
    }

    @Override
    public CompletableFuture<Void> read(long offset, MemorySegment target) {
        return read(offset, Pieces.of(target));
    }

    @Override
    public CompletableFuture<Void> write(long offset, Pieces source) {
        return submit(() -> {
            checkWrite(offset, source.byteSize());
            layer.write(offset, source);
            through();
        });
    }

    @Override
    public CompletableFuture<Void> write(long offset, MemorySegment source) {
        return write(offset, Pieces.of(source));
    }

    @Override
    public void readNow(long offset, MemorySegment target) throws IOException {
        checkRange(offset, target.byteSize());
        layer.read(offset, target);
    }

    @Override
    public void writeNow(long offset, MemorySegment source) throws IOException {
        writeNow(offset, source, () -> { });
    }

    @Override
    public void writeNow(long offset, MemorySegment source, Runnable placed) throws IOException {
        checkWrite(offset, source.byteSize());
        layer.write(offset, Pieces.of(source), placed);
        through();
    }

    @Override
    public void writeZeroesNow(long offset, long length, boolean mayUnmap) throws IOException {
        checkWrite(offset, length);
        layer.writeZeroes(offset, length, mayUnmap);
        through();
    }

    @Override
    public boolean writeCompressedNow(long offset, MemorySegment source) throws IOException {
        checkWrite(offset, source.byteSize());
        boolean packed = layer.writeCompressed(offset, source);
        through();
        return packed;
    }

    private void through() throws IOException {
        if (options.cache().through()) {
            layer.flush();
        }
    }

    @Override
    public CompletableFuture<Void> flush() {
        return submit(layer::flush);
    }

    @Override
    public CompletableFuture<Void> discard(long offset, long length) {
        return submit(() -> {
            checkWrite(offset, length);
            layer.discard(offset, length);
        });
    }

    @Override
    public CompletableFuture<Void> writeZeroes(long offset, long length, boolean mayUnmap) {
        return submit(() -> writeZeroesNow(offset, length, mayUnmap));
    }

    @Override
    public ImageInfo info() throws IOException {
        return layer.info();
    }

    @Override
    public Optional<CheckResult> check() throws IOException {
        return layer.check();
    }

    @Override
    public BlockStatus status(long offset, long length) throws IOException {
        if (offset < 0 || length <= 0 || offset > size() - length) {
            throw new IOException("status of '" + path + "' at " + offset + ", " + length + " bytes: beyond its end at "
                    + size());
        }
        return layer.status(offset, length);
    }

    @Override
    public CompletableFuture<Boolean> writeCompressed(long offset, MemorySegment source) {
        return answer(() -> writeCompressedNow(offset, source));
    }

    @Override
    public void shrink(long size) throws IOException {
        refuseReadOnly();
        if (size % BLOCK_SIZE != 0 || size < 0 || size > size()) {
            throw new IOException("new size " + size + " of '" + path + "': a multiple of " + BLOCK_SIZE
                    + ", no more than " + size() + ", is allowed");
        }
        layer.shrink(size);
    }

    @Override
    public void grow(long size) throws IOException {
        refuseReadOnly();
        if (size % BLOCK_SIZE != 0 || size < size()) {
            throw new IOException("new size " + size + " of '" + path + "': a multiple of " + BLOCK_SIZE
                    + ", no less than " + size() + ", is allowed");
        }
        layer.grow(size);
    }

    @Override
    public void preallocate(long from, CreateOptions.Preallocation how) throws IOException {
        refuseReadOnly();
        if (how != CreateOptions.Preallocation.OFF && from < size()) {
            layer.preallocate(from, how);
        }
    }

    @Override
    public void amend(String name, String value) throws IOException {
        refuseReadOnly();
        layer.amend(name, value);
    }

    @Override
    public void changeKeys(KeyChange change) throws IOException {
        refuseReadOnly();
        layer.changeKeys(change);
    }

    @Override
    public boolean copyNow(long offset, BlockStatus from, long length) throws IOException {
        checkWrite(offset, length);
        boolean copied = layer.copy(offset, from.file(), from.offset(), length);
        through();
        return copied;
    }

    @Override
    public void nameBacking(String name, String format) throws IOException {
        refuseReadOnly();
        layer.nameBacking(name, format);
    }

    @Override
    public CompletableFuture<Void> copyUp(long offset, long length) {
        return submit(() -> {
            checkWrite(offset, length);
            layer.copyUp(offset, length);
        });
    }

    @Override
    public void empty() throws IOException {
        refuseReadOnly();
        layer.empty();
    }

    @Override
    public Image reopenBacking(boolean writable) throws IOException {
        Layer old = layer.backing().orElseThrow(() -> new IOException("image '" + path + "' has no backing file"));
        Path file = old.info().path();
        OpenOptions how = options.withFormat(old.format()).withForceShare(false).withReadOnly(!writable);
        old.close();
        try {
            layer.attach(new ChainOpener(true).open(file, how));
        } catch (UserException e) {
            layer.attach(new ChainOpener(true).open(file, how.withReadOnly(true)));
            throw new IOException(e.getMessage(), e);
        }
        AsyncImage view = new AsyncImage(file, layer.backing().orElseThrow(), how, List.of());
        view.closed.set(true);
        return view;
    }

    @Override
    public Optional<Snapshots> snapshots() {
        return layer.snapshots();
    }

    @Override
    public Optional<Bitmaps> bitmaps() {
        return layer.bitmaps();
    }

    @Override
    public void close() {
        workers.close();
        if (closed.getAndSet(true)) {
            return;
        }
        try {
            layer.close();
        } catch (IOException e) {
            throw new UserException("closing image '" + path + "': " + e.getMessage());
        }
    }

    private interface Request {
        void run() throws IOException;
    }

    private interface Question<T> {
        T ask() throws IOException;
    }

    private CompletableFuture<Void> submit(Request request) {
        return answer(() -> {
            request.run();
            return null;
        });
    }

    private <T> CompletableFuture<T> answer(Question<T> request) {
        CompletableFuture<T> done = new CompletableFuture<>();
        try {
            workers.execute(() -> serve(request, done));
        } catch (RejectedExecutionException e) {
            done.completeExceptionally(new IOException("image '" + path + "' is closed"));
        }
        return done;
    }

    private <T> void serve(Question<T> request, CompletableFuture<T> done) {
        T result;
        try {
            result = request.ask();
        } catch (IOException e) {
            done.completeExceptionally(e);
            return;
        } catch (RuntimeException | Error e) {
            // A bug of ours must fail this request, not leave the guest waiting for it.
            done.completeExceptionally(new IOException("image '" + path + "': internal error: " + e, e));
            return;
        }
        done.complete(result);
    }

    private void refuseReadOnly() throws IOException {
        if (readOnly) {
            throw new IOException("image '" + path + "' is read-only");
        }
    }

    private void checkWrite(long offset, long length) throws IOException {
        refuseReadOnly();
        checkRange(offset, length);
    }

    private boolean inRange(long offset, long length) {
        return ((offset | length) & BLOCK_SIZE - 1) == 0 && offset >= 0 && offset <= size() - length;
    }

    private void checkRange(long offset, long length) throws IOException {
        if (((offset | length) & BLOCK_SIZE - 1) != 0) {
            throw new IOException("access to '" + path + "' at " + offset + ", " + length + " bytes: not in units of "
                    + BLOCK_SIZE);
        }
        if (offset < 0 || length < 0 || offset > size() - length) {
            throw new IOException("access to '" + path + "' at " + offset + ", " + length + " bytes: beyond its end at "
                    + size());
        }
    }
}
