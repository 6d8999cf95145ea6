package org.jkvm.devices.virtio.blk;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jkvm.base.backend.BlockDevice;
import org.jkvm.base.register.Register;
import org.jkvm.base.state.StateException;
import org.jkvm.base.state.StateIo;
import org.jkvm.devices.virtio.Chain;
import org.jkvm.devices.virtio.VirtioDevice;
import org.jkvm.devices.virtio.VirtioException;
import org.jkvm.devices.virtio.Virtqueue;

/**
 * Block device (virtio 1.2, section 5.2). A notification parses the requests and hands them to the disk, which works on
 * its own threads straight in guest memory; what is done gathers in a list, and one visit to the bus lock answers all
 * that has gathered.
 *
 * <pre>
 *   notified: pop -> BlkRequest.start --> Batch --> disk's threads --> done list --> onBus: answerAll -> push, interrupt
 *                          ^                                                            |  policy says stop
 *                          +-------- retryStopped (machine continues) <------------ stopped list
 * </pre>
 */
public final class VirtioBlk extends VirtioDevice {
    /** Virtio device ID. */
    public static final int TYPE = 2;
    static final int SECTOR = 512;
    static final int MAX_RANGES = 16;
    static final int MAX_RANGE_SECTORS = 1 << 22;
    static final int F_FLUSH = 9;
    static final int F_DISCARD = 13;
    static final int F_WRITE_ZEROES = 14;
    private static final int F_SEG_MAX = 2;
    private static final int F_GEOMETRY = 4;
    private static final int F_RO = 5;
    private static final int F_BLK_SIZE = 6;
    private static final int F_TOPOLOGY = 10;
    private static final int F_CONFIG_WCE = 11;
    private static final int F_MQ = 12;
    private static final int MASS_STORAGE = 0x010000;
    private static final int HEADS = 16;
    private static final int SECTORS_PER_TRACK = 63;
    private static final int MAX_CYLINDERS = 16383;

    private final BlockDevice disk;
    private final BlkOptions options;
    private final int blockSize;
    private final Consumer<String> stop;
    private final Register writeback;
    private final transient ArrayDeque<BlkRequest> spare = new ArrayDeque<>();
    private final List<BlkRequest> stopped = new ArrayList<>();
    private final transient Queue<BlkRequest> done = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean answering = new AtomicBoolean();
    private final transient boolean[] touched;
    private final transient Batch batch;
    private int underWay;
    private transient int generation;

    /**
     * A disk for the guest.
     *
     * @param stop called with the bus lock held and a one-line reason when an error policy says that the machine stops;
     *             it must not wait for the machine. When the machine continues it calls {@link #retryStopped}
     */
    public VirtioBlk(BlockDevice disk, BlkOptions options, Consumer<String> stop) {
        super("virtio-blk", TYPE, MASS_STORAGE);
        this.disk = disk;
        this.options = options;
        this.stop = stop;
        this.blockSize = Math.max(options.logicalBlockSize(), disk.blockSize());
        this.batch = new Batch(disk, options.requestMerging());
        this.touched = new boolean[options.numQueues()];
        this.writeback = declareConfig();
    }

    /** The configuration structure (section 5.2.4). */
    private Register declareConfig() {
        int physical = Math.max(options.physicalBlockSize(), blockSize);
        config().summary("device configuration structure").source("virtio 1.2, section 5.2.4");
        config().register("capacity", 0, 64).readOnly().notSaved().onRead(this::capacity).summary("in sectors of 512 bytes");
        config().register("size_max", 8, 32).readOnly().summary("not offered");
        config().register("seg_max", 12, 32).readOnly().reset(options.queueSize() - 2).summary("segments in a request");
        config().register("cylinders", 16, 16).readOnly().notSaved().onRead(this::cylinders);
        config().register("heads", 18, 8).readOnly().reset(HEADS);
        config().register("sectors", 19, 8).readOnly().reset(SECTORS_PER_TRACK);
        config().register("blk_size", 20, 32).readOnly().reset(blockSize).summary("unit of access");
        config().register("physical_block_exp", 24, 8).readOnly().reset(Integer.numberOfTrailingZeros(physical / blockSize));
        config().register("alignment_offset", 25, 8).readOnly();
        config().register("min_io_size", 26, 16).readOnly().reset(1);
        config().register("opt_io_size", 28, 32).readOnly();
        Register cache = config().register("writeback", 32, 8).reset(options.writeCache() ? 1 : 0)
                .writable(options.configWce() ? 1 : 0).summary("1: writes are durable only after a flush");
        config().register("num_queues", 34, 16).readOnly().reset(options.numQueues());
        config().register("max_discard_sectors", 36, 32).readOnly().reset(MAX_RANGE_SECTORS);
        config().register("max_discard_seg", 40, 32).readOnly().reset(MAX_RANGES);
        config().register("discard_sector_alignment", 44, 32).readOnly().reset(blockSize / SECTOR);
        config().register("max_write_zeroes_sectors", 48, 32).readOnly().reset(MAX_RANGE_SECTORS);
        config().register("max_write_zeroes_seg", 52, 32).readOnly().reset(MAX_RANGES);
        config().register("write_zeroes_may_unmap", 56, 8).readOnly().reset(1);
        return cache;
    }

    @Override
    public long offeredFeatures() {
        return 1L << F_SEG_MAX | 1L << F_GEOMETRY | 1L << F_BLK_SIZE | 1L << F_FLUSH | 1L << F_TOPOLOGY
                | bit(F_RO, disk.readOnly()) | bit(F_CONFIG_WCE, options.configWce()) | bit(F_MQ, options.numQueues() > 1)
                | bit(F_DISCARD, options.discard() && !disk.readOnly())
                | bit(F_WRITE_ZEROES, options.writeZeroes() && !disk.readOnly());
    }

    @Override
    public int queueCount() {
        return options.numQueues();
    }

    @Override
    public int queueSize(int queue) {
        return options.queueSize();
    }

    /** Makes stopped requests again. The machine calls it when it continues, with the bus lock held. */
    public void retryStopped() {
        List<BlkRequest> again = List.copyOf(stopped);
        stopped.clear();
        again.forEach(this::start);
        batch.send();
    }

    /** The disk has grown or shrunk: tells the guest. With the bus lock held. */
    public void capacityChanged() {
        transport().configChanged();
    }

    /** Whether the disk has nothing under way: the machine waits for it, stopped, before it saves or resets. */
    @Override
    public boolean isIdle() {
        return underWay == 0;
    }

    @Override
    protected void notified(int queue) {
        Virtqueue ring = queue(queue);
        do {
            ring.suppressNotifications();
            for (Chain chain = ring.pop(); chain != null; chain = ring.pop()) {
                start(request().take(queue, chain));
            }
            batch.send();
        } while (ring.enableNotifications());
    }

    /** What the disk still has under way is answered to nobody. */
    @Override
    protected void resetDevice() {
        generation++;
        stopped.clear();
        writeback.set(options.writeCache() ? 1 : 0);
    }

    @Override
    public void exchangeState(StateIo io) {
        super.exchangeState(io);
        int count = io.u16("stopped", stopped.size());
        if (io.restoring()) {
            stopped.clear();
        }
        for (int i = 0; i < count; i++) {
            BlkRequest request = io.restoring() ? request() : stopped.get(i);
            io.part("request" + i, part -> exchange(part, request));
        }
    }

    private void exchange(StateIo io, BlkRequest request) {
        int queue = io.u16("queue", request.queue());
        Chain chain = exchangeHeld(io, "chain", queue, request.chain());
        if (io.restoring()) {
            stopped.add(restored(request, queue, chain));
        }
    }

    private static BlkRequest restored(BlkRequest request, int queue, Chain chain) {
        if (chain == null) {
            throw new StateException("virtio-blk: a request without its buffer");
        }
        try {
            return request.take(queue, chain);
        } catch (VirtioException e) {
            throw new StateException("virtio-blk: " + e.getMessage());
        }
    }

    BlockDevice disk() {
        return disk;
    }

    int blockSize() {
        return blockSize;
    }

    Batch batch() {
        return batch;
    }

    String serial() {
        return options.serial();
    }

    /** Whether feature bit {@code feature} was agreed on. */
    boolean agreed(int feature) {
        return negotiated(feature);
    }

    /** Whether a write must be durable when it is answered (section 5.2.6.2). */
    boolean writeThrough() {
        return negotiated(F_CONFIG_WCE) ? writeback.get() == 0 : !negotiated(F_FLUSH);
    }

    /** The disk's part of {@code request} is over. From any thread. */
    void finished(BlkRequest request) {
        done.add(request);
        if (answering.compareAndSet(false, true)) {
            transport().onBus(this::answerAll);
        }
    }

    private void answerAll() {
        answering.set(false);
        for (BlkRequest request = done.poll(); request != null; request = done.poll()) {
            underWay--;
            conclude(request);
        }
        for (int queue = 0; queue < touched.length; queue++) {
            if (touched[queue]) {
                touched[queue] = false;
                interruptIfWanted(queue);
            }
        }
        if (underWay == 0) {
            transport().idle();
        }
    }

    private void conclude(BlkRequest request) {
        if (request.generation() != generation || !transport().live()) {
            recycle(request);
            return;
        }
        Throwable failure = request.failure();
        ErrorPolicy policy = request.isRead() ? options.rerror() : options.werror();
        if (failure != null && policy.stops(failure)) {
            stopped.add(request);
            stop.accept(name() + ": " + failure.getMessage());
            return;
        }
        answer(request, failure == null || policy == ErrorPolicy.IGNORE ? BlkRequest.OK : BlkRequest.IOERR);
    }

    private void start(BlkRequest request) {
        underWay++;
        request.start(generation);
    }

    private void answer(BlkRequest request, int status) {
        queue(request.queue()).push(request.chain(), request.answer(status));
        touched[request.queue()] = true;
        recycle(request);
    }

    private BlkRequest request() {
        BlkRequest request = spare.poll();
        return request == null ? new BlkRequest(this) : request;
    }

    private void recycle(BlkRequest request) {
        request.forget();
        spare.push(request);
    }

    private long capacity() {
        return disk.size() / SECTOR;
    }

    private long cylinders() {
        return Math.min(capacity() / (HEADS * SECTORS_PER_TRACK), MAX_CYLINDERS);
    }

    private static long bit(int feature, boolean offered) {
        return offered ? 1L << feature : 0;
    }
}
