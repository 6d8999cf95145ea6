package org.jkvm.devices.virtio.rng;

import org.jkvm.base.backend.EntropySource;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.time.Clock;
import org.jkvm.devices.virtio.Chain;
import org.jkvm.devices.virtio.VirtioDevice;
import org.jkvm.devices.virtio.Virtqueue;

/**
 * Entropy device (virtio 1.2, section 5.4). One buffer at a time is taken to the source; what comes back goes into guest
 * memory with the bus lock held. A rate limit stands the device still until the period ends.
 */
public final class VirtioRng extends VirtioDevice {
    /** Virtio device ID. */
    public static final int TYPE = 4;
    private static final System.Logger LOG = System.getLogger(VirtioRng.class.getName());
    private static final int OTHER_CLASS = 0x00ff00;
    private static final int QUEUE = 0;
    private static final int QUEUE_SIZE = 8;
    private static final int MAX_READ = 64 << 10;
    private static final long NANOS_PER_MILLI = 1_000_000;

    private final EntropySource source;
    private final RngOptions options;
    private final Clock clock;
    private final Clock.Timer refill;
    private long quota;
    private long periodEnd;
    /** The buffer that the source is asked to fill, or null. */
    private Chain pending;
    private transient boolean reading;
    private transient boolean serving;
    private transient int generation;

    /** A generator that reads {@code source}. */
    public VirtioRng(EntropySource source, Clock clock, RngOptions options) {
        super("virtio-rng", TYPE, OTHER_CLASS);
        this.source = source;
        this.options = options;
        this.clock = clock;
        this.refill = clock.timer("virtio-rng", this::expired);
        this.quota = options.maxBytes();
    }

    @Override
    public long offeredFeatures() {
        return 0;
    }

    @Override
    public int queueCount() {
        return 1;
    }

    @Override
    public int queueSize(int queue) {
        return QUEUE_SIZE;
    }

    @Override
    protected void notified(int queue) {
        if (serving) {
            return; // A source that answers at once is inside the loop below.
        }
        serving = true;
        try {
            serve(queue(QUEUE));
        } finally {
            serving = false;
        }
    }

    @Override
    protected void resetDevice() {
        generation++;
        pending = null;
        reading = false;
        quota = options.maxBytes();
        periodEnd = 0;
        refill.cancel();
    }

    @Override
    public void exchangeState(StateIo io) {
        super.exchangeState(io);
        quota = Math.min(io.u64("quota", quota), options.maxBytes());
        periodEnd = io.u64("period-end", periodEnd);
        pending = exchangeHeld(io, "pending", QUEUE, pending);
    }

    /** The timer asks again once guest time runs: not before. */
    @Override
    protected void restored() {
        generation++;
        reading = false;
        if (pending != null) {
            refill.arm(clock.nanos());
        } else if (periodEnd != 0) {
            refill.arm(periodEnd);
        }
    }

    private void serve(Virtqueue ring) {
        while (!reading && quota > 0 && (pending != null || take(ring))) {
            request();
        }
    }

    private boolean take(Virtqueue ring) {
        do {
            pending = ring.pop();
        } while (pending == null && ring.enableNotifications());
        return pending != null;
    }

    private void request() {
        reading = true;
        int asked = generation;
        int wanted = (int) Math.min(Math.min(pending.writable().length(), quota), MAX_READ);
        source.read(wanted).whenComplete((bytes, failure) -> transport().onBus(() -> arrived(asked, bytes, failure)));
    }

    private void arrived(int asked, byte[] bytes, Throwable failure) {
        if (asked != generation || !transport().live()) {
            return;
        }
        if (failure != null) {
            // The guest keeps waiting, as for a hardware source that has run dry; it has others.
            LOG.log(System.Logger.Level.WARNING, "{0}: {1}", name(), failure.getMessage());
            return;
        }
        reading = false;
        pending.writable().write(0, bytes, 0, bytes.length);
        spend(bytes.length);
        queue(QUEUE).push(pending, bytes.length);
        pending = null;
        interruptIfWanted(QUEUE);
        notified(QUEUE);
    }

    private void spend(int bytes) {
        quota -= bytes;
        if (periodEnd == 0 && options.maxBytes() != Long.MAX_VALUE) {
            periodEnd = clock.nanos() + options.period() * NANOS_PER_MILLI;
            refill.arm(periodEnd);
        }
    }

    private void expired() {
        if (clock.nanos() >= periodEnd) {
            quota = options.maxBytes();
            periodEnd = 0;
        }
        if (transport().live() && queue(QUEUE) != null) {
            transport().onBus(() -> notified(QUEUE));
        }
    }
}
