package org.jkvm.devices.virtio.balloon;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.EnumMap;
import java.util.Map;
import org.jkvm.base.Bits;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.register.Register;
import org.jkvm.base.state.StateIo;
import org.jkvm.devices.virtio.Chain;
import org.jkvm.devices.virtio.Segments;
import org.jkvm.devices.virtio.VirtioDevice;
import org.jkvm.devices.virtio.VirtioException;
import org.jkvm.devices.virtio.Virtqueue;

/**
 * Memory balloon (virtio 1.2, section 5.5): the guest gives pages up until as many are in the balloon as the host asks
 * for, says on request how it uses its memory, and may report free pages unasked.
 */
public final class VirtioBalloon extends VirtioDevice {
    /** Virtio device ID. */
    public static final int TYPE = 5;
    /** Bytes in a page of the balloon, whatever the guest's own page size (section 5.5.6). */
    public static final int PAGE = 4096;
    private static final int OTHER_CLASS = 0x00ff00;
    private static final int QUEUE_SIZE = 128;
    private static final int F_STATS = 1;
    private static final int F_DEFLATE_ON_OOM = 2;
    private static final int F_PAGE_REPORTING = 5;
    private static final int INFLATE = 0;
    private static final int DEFLATE = 1;
    private static final int STATS = 2;
    private static final int REPORTING = 3;
    private static final int PFN_BYTES = 4;
    private static final int STAT_BYTES = 10;
    private static final int MAX_STATS = 256;

    private final BalloonOptions options;
    private final GuestRamPages pages;
    private final Register wantedPages;
    private final Register actualPages;
    private final transient byte[] chunk = new byte[1024 * PFN_BYTES];
    private final Map<Statistic, Long> statistics = new EnumMap<>(Statistic.class);
    /** The buffer that the driver waits to get back before it says more; null while it has it. */
    private Chain statsBuffer;

    /** A balloon that gives pages back through {@code pages}. */
    public VirtioBalloon(GuestRamPages pages, BalloonOptions options) {
        super("virtio-balloon", TYPE, OTHER_CLASS);
        this.pages = pages;
        this.options = options;
        config().summary("device configuration structure").source("virtio 1.2, section 5.5.4");
        wantedPages = config().register("num_pages", 0, 32).readOnly().summary("pages that the host wants");
        actualPages = config().register("actual", 4, 32).summary("pages that the guest has given up");
    }

    @Override
    public long offeredFeatures() {
        return 1L << F_STATS | (options.deflateOnOom() ? 1L << F_DEFLATE_ON_OOM : 0)
                | (options.freePageReporting() ? 1L << F_PAGE_REPORTING : 0);
    }

    /** Queues are numbered without gaps for features that are not offered, as Linux and QEMU count them. */
    @Override
    public int queueCount() {
        return options.freePageReporting() ? 4 : 3;
    }

    @Override
    public int queueSize(int queue) {
        return QUEUE_SIZE;
    }

    /** Asks the guest to have {@code count} pages in the balloon. With the bus lock held. */
    public void requestPages(long count) {
        wantedPages.set(Math.clamp(count, 0, 0xffff_ffffL));
        transport().configChanged();
    }

    /** Pages that are in the balloon, as the guest says. */
    public long pagesInBalloon() {
        return actualPages.get();
    }

    /** Asks the guest for statistics, if it has answered the last time; they arrive later. With the bus lock held. */
    public void requestStatistics() {
        if (statsBuffer != null && transport().live()) {
            Chain buffer = statsBuffer;
            statsBuffer = null;
            queue(STATS).push(buffer, 0);
            interruptIfWanted(STATS);
        }
    }

    /** What the guest last said; names that it did not mention are missing. With the bus lock held. */
    public Map<Statistic, Long> statistics() {
        return Map.copyOf(statistics);
    }

    @Override
    protected void notified(int queue) {
        Virtqueue ring = queue(queue);
        boolean used = false;
        do {
            for (Chain chain = ring.pop(); chain != null; chain = ring.pop()) {
                used |= serve(queue, ring, chain);
            }
        } while (ring.enableNotifications());
        if (used) {
            interruptIfWanted(queue);
        }
    }

    /** Returns whether the buffer went back. */
    private boolean serve(int queue, Virtqueue ring, Chain chain) {
        switch (queue) {
            case INFLATE -> inflate(chain.readable());
            case DEFLATE -> { } // Nothing to do: the page comes back when the guest touches it.
            case STATS -> {
                keepStatistics(chain);
                return false;
            }
            case REPORTING -> report(chain.writable());
            default -> throw new IllegalStateException("queue " + queue);
        }
        ring.push(chain, 0);
        return true;
    }

    /** Page frame numbers, 32 bits each. */
    private void inflate(Segments numbers) {
        for (long at = 0; at < numbers.length(); at += chunk.length) {
            int length = numbers.read(at, chunk, 0, chunk.length);
            ByteBuffer frames = ByteBuffer.wrap(chunk, 0, length).order(ByteOrder.LITTLE_ENDIAN);
            inflate(frames);
        }
    }

    /** Neighbours are given back together. */
    private void inflate(ByteBuffer frames) {
        long start = 0;
        long end = 0;
        while (frames.remaining() >= PFN_BYTES) {
            long address = (frames.getInt() & 0xffff_ffffL) * PAGE;
            if (address != end) {
                discard(start, end);
                start = address;
            }
            end = address + PAGE;
        }
        discard(start, end);
    }

    private void report(Segments ranges) {
        for (int i = 0; i < ranges.count(); i++) {
            long end = ranges.address(i) + ranges.segment(i).byteSize();
            discard(Bits.alignUp(ranges.address(i), PAGE), Bits.alignDown(end, PAGE));
        }
    }

    /** What is not RAM is not given back, and does no harm. */
    private void discard(long start, long end) {
        if (end <= start) {
            return;
        }
        try {
            transport().memory().slice(start, end - start);
        } catch (GuestMemory.BadAddress e) {
            return;
        }
        pages.discard(start, end - start);
        transport().memory().markWritten(start, end - start);
    }

    /** One buffer at a time: the driver waits until it comes back (section 5.5.6.3). */
    private void keepStatistics(Chain chain) {
        if (statsBuffer != null) {
            throw new VirtioException("a second statistics buffer");
        }
        statsBuffer = chain;
        byte[] entries = new byte[(int) Math.min(chain.readable().length(), MAX_STATS * STAT_BYTES)];
        chain.readable().read(0, entries, 0, entries.length);
        ByteBuffer buffer = ByteBuffer.wrap(entries).order(ByteOrder.LITTLE_ENDIAN);
        statistics.clear();
        while (buffer.remaining() >= STAT_BYTES) {
            keep(buffer.getShort() & 0xffff, buffer.getLong());
        }
    }

    /** Tags from later specifications are passed over. */
    private void keep(int tag, long value) {
        if (tag < Statistic.values().length) {
            statistics.put(Statistic.values()[tag], value);
        }
    }

    @Override
    protected void resetDevice() {
        statsBuffer = null;
        statistics.clear();
        actualPages.set(0);
    }

    @Override
    public void exchangeState(StateIo io) {
        super.exchangeState(io);
        for (Statistic statistic : Statistic.values()) {
            exchange(io, statistic);
        }
        statsBuffer = exchangeHeld(io, "stats-buffer", STATS, statsBuffer);
    }

    private void exchange(StateIo io, Statistic statistic) {
        boolean known = io.flag(statistic.name() + " known", statistics.containsKey(statistic));
        long value = io.u64(statistic.name(), statistics.getOrDefault(statistic, 0L));
        if (known) {
            statistics.put(statistic, value);
        } else {
            statistics.remove(statistic);
        }
    }
}
