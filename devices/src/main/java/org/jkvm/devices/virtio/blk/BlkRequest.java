package org.jkvm.devices.virtio.blk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import org.jkvm.devices.virtio.Chain;
import org.jkvm.devices.virtio.Segments;
import org.jkvm.devices.virtio.VirtioException;

/**
 * One request of the driver (virtio 1.2, section 5.2.6): a header of 16 bytes, data, and a status byte at the end of the
 * writable part. It is started with the bus lock held, its parts complete on the disk's threads, and the last part to
 * complete hands it back. Reused; what the disk gets is guest memory itself.
 */
final class BlkRequest implements BiConsumer<Void, Throwable> {
    static final int OK = 0;
    static final int IOERR = 1;
    static final int UNSUPPORTED = 2;
    private static final int HEADER = 16;
    private static final int RANGE = 16;
    private static final int ID_BYTES = 20;
    private static final int F_UNMAP = 1;
    private static final int T_IN = 0;
    private static final int T_OUT = 1;
    private static final int T_FLUSH = 4;
    private static final int T_GET_ID = 8;
    private static final int T_DISCARD = 11;
    private static final int T_WRITE_ZEROES = 13;

    private final VirtioBlk blk;
    private final Segments data = new Segments();
    private final byte[] header = new byte[HEADER];
    private final ByteBuffer fields = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
    private final AtomicInteger parts = new AtomicInteger();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private Chain chain;
    private int queue;
    private int generation;
    private int type;
    private int refusal;
    private boolean flushAfter;
    private long position;

    BlkRequest(VirtioBlk blk) {
        this.blk = blk;
    }

    /** Takes on a chain, which must have a header and room for a status. */
    BlkRequest take(int fromQueue, Chain newChain) {
        if (newChain.writable().length() < 1 || newChain.readable().length() < HEADER) {
            throw new VirtioException("a block request without header or status");
        }
        queue = fromQueue;
        chain = newChain;
        return this;
    }

    int queue() {
        return queue;
    }

    Chain chain() {
        return chain;
    }

    int generation() {
        return generation;
    }

    boolean isRead() {
        return type == T_IN;
    }

    /** Why the disk failed it, or null; what the guest did wrong is no failure of the disk's. */
    Throwable failure() {
        return failure.get();
    }

    /** Lets go of the chain. With the bus lock held, when no part is under way. */
    void forget() {
        chain = null;
    }

    /**
     * Hands the request to the disk, or to {@link VirtioBlk#batch}; with something wrong in it, or nothing to do, it is
     * finished at once.
     */
    void start(int newGeneration) {
        generation = newGeneration;
        refusal = OK;
        flushAfter = false;
        failure.set(null);
        parts.set(1);
        chain.readable().read(0, header, 0, HEADER);
        type = fields.getInt(0);
        refusal = dispatch(fields.getLong(8));
        partDone(null);
    }

    /** Stores the status; returns the length of what was written. */
    int answer(int status) {
        long last = chain.writable().length() - 1;
        chain.writable().writeByte(last, refusal != OK ? refusal : status);
        return (int) Math.min(last + 1, Integer.MAX_VALUE);
    }

    /** A part is over: called by the disk, from any thread. */
    @Override
    public void accept(Void nothing, Throwable thrown) {
        partDone(thrown instanceof CompletionException && thrown.getCause() != null ? thrown.getCause() : thrown);
    }

    private int dispatch(long sector) {
        return switch (type) {
            case T_IN -> read(sector);
            case T_OUT -> write(sector);
            case T_FLUSH -> flush();
            case T_GET_ID -> identify();
            case T_DISCARD -> blk.agreed(VirtioBlk.F_DISCARD) ? ranges(false) : UNSUPPORTED;
            case T_WRITE_ZEROES -> blk.agreed(VirtioBlk.F_WRITE_ZEROES) ? ranges(true) : UNSUPPORTED;
            default -> UNSUPPORTED;
        };
    }

    private int read(long sector) {
        chain.writable().select(0, chain.writable().length() - 1, data);
        return valid(sector, data.length()) ? transfer(sector * VirtioBlk.SECTOR) : IOERR;
    }

    private int write(long sector) {
        chain.readable().select(HEADER, chain.readable().length() - HEADER, data);
        flushAfter = blk.writeThrough();
        return !blk.disk().readOnly() && valid(sector, data.length()) ? transfer(sector * VirtioBlk.SECTOR) : IOERR;
    }

    /** It goes to the disk with the others of its visit to the queue. */
    private int transfer(long offset) {
        position = offset;
        parts.incrementAndGet();
        blk.batch().add(this);
        return OK;
    }

    /** Where its data begins on the disk, in bytes. */
    long position() {
        return position;
    }

    /** The guest's memory that it reads into or writes from. */
    Segments data() {
        return data;
    }

    private int flush() {
        part(blk.disk().flush());
        return OK;
    }

    private int identify() {
        byte[] id = Arrays.copyOf(blk.serial().getBytes(StandardCharsets.US_ASCII), ID_BYTES);
        chain.writable().write(0, id, 0, (int) Math.min(ID_BYTES, chain.writable().length() - 1));
        return OK;
    }

    /** Discard and write-zeroes carry ranges of sector, count and flags, 16 bytes each. */
    private int ranges(boolean zeroes) {
        long bytes = chain.readable().length() - HEADER;
        if (blk.disk().readOnly() || bytes == 0 || bytes % RANGE != 0 || bytes / RANGE > VirtioBlk.MAX_RANGES) {
            return IOERR;
        }
        int status = OK;
        for (long at = HEADER; status == OK && at < chain.readable().length(); at += RANGE) {
            status = checkRange(at, zeroes);
        }
        for (long at = HEADER; status == OK && at < chain.readable().length(); at += RANGE) {
            startRange(at, zeroes);
        }
        return status;
    }

    /** Only write-zeroes has a flag, and only unmap (section 5.2.6.2). */
    private int checkRange(long at, boolean zeroes) {
        chain.readable().read(at, header, 0, RANGE);
        int flags = fields.getInt(12);
        long sectors = fields.getInt(8) & 0xffff_ffffL;
        if ((flags & ~(zeroes ? F_UNMAP : 0)) != 0) {
            return UNSUPPORTED;
        }
        return sectors <= VirtioBlk.MAX_RANGE_SECTORS && valid(fields.getLong(0), sectors * VirtioBlk.SECTOR) ? OK : IOERR;
    }

    private void startRange(long at, boolean zeroes) {
        chain.readable().read(at, header, 0, RANGE);
        long offset = fields.getLong(0) * VirtioBlk.SECTOR;
        long length = (fields.getInt(8) & 0xffff_ffffL) * VirtioBlk.SECTOR;
        boolean mayUnmap = (fields.getInt(12) & F_UNMAP) != 0;
        part(zeroes ? blk.disk().writeZeroes(offset, length, mayUnmap) : blk.disk().discard(offset, length));
        flushAfter = zeroes && blk.writeThrough();
    }

    /** In whole blocks and on the disk. */
    private boolean valid(long sector, long length) {
        long size = blk.disk().size();
        if (sector < 0 || sector > size / VirtioBlk.SECTOR) {
            return false;
        }
        long offset = sector * VirtioBlk.SECTOR;
        return ((offset | length) & blk.blockSize() - 1) == 0 && length <= size - offset;
    }

    private void part(CompletableFuture<Void> future) {
        parts.incrementAndGet();
        future.whenComplete(this);
    }

    private void partDone(Throwable thrown) {
        if (thrown != null) {
            failure.compareAndSet(null, thrown);
        }
        if (parts.decrementAndGet() == 0) {
            allPartsDone();
        }
    }

    private void allPartsDone() {
        if (failure.get() == null && flushAfter) {
            flushAfter = false;
            parts.set(1);
            blk.disk().flush().whenComplete(this);
        } else {
            blk.finished(this);
        }
    }
}
