package org.jkvm.devices.virtio;

import java.util.function.IntConsumer;
import java.util.function.IntSupplier;
import java.util.function.ObjIntConsumer;
import java.util.function.ToIntFunction;
import org.jkvm.base.Bits;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateException;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;

/**
 * The common configuration structure (virtio 1.2, section 4.1.4.3) and what it drives: feature negotiation, the device
 * status and the set-up of queues.
 *
 * <pre>
 *   0 --> ACKNOWLEDGE --> DRIVER --> FEATURES_OK --> DRIVER_OK (live)
 *   ^                                                   |  a rule broken
 *   +--- 0 written, back ends idle <--- any state <-----+  DEVICE_NEEDS_RESET
 * </pre>
 *
 * While back ends are busy with requests that the driver has just reset away, the status still reads as before: a driver
 * waits for it to read as 0 (section 4.1.4.3.2), and may then use the memory for something else.
 */
final class CommonConfig implements Stateful {
    static final int LENGTH = 0x38;
    private static final int FEATURES_OK = 3;
    private static final int DRIVER_OK = 2;
    private static final int NEEDS_RESET = 6;

    private final RegisterFile registers = new RegisterFile("virtio-common").undeclaredReadsAs(0)
            .summary("common configuration structure").source("virtio 1.2, section 4.1.4.3");
    private final long offered;
    private final int vectors;
    private final QueueSlot[] queues;
    private final Events events;
    private int featureSelect;
    private int driverFeatureSelect;
    private long driverFeatures;
    private int configVector = QueueSlot.NO_VECTOR;
    private int status;
    private int generation;
    private int queueSelect;
    private boolean resetting;

    /** What the transport does when the driver changes the state. */
    interface Events {
        /** The driver set DRIVER_OK. */
        void live();

        /** The driver asked for a reset; it answers with {@link CommonConfig#finishReset} now or when back ends are idle. */
        void resetWanted();

        /** The driver enables a queue. */
        void enable(QueueSlot slot);
    }

    CommonConfig(long offered, int vectors, QueueSlot[] queues, Events events) {
        this.offered = offered;
        this.vectors = vectors;
        this.queues = queues;
        this.events = events;
        declareDevice();
        declareQueue();
    }

    private void declareDevice() {
        plain("device_feature_select", 0x00, 32, () -> featureSelect, v -> featureSelect = v,
                "which half device_feature shows");
        constant("device_feature", 0x04, 32, () -> half(offered, featureSelect), "features that are offered");
        plain("driver_feature_select", 0x08, 32, () -> driverFeatureSelect, v -> driverFeatureSelect = v,
                "which half driver_feature shows");
        plain("driver_feature", 0x0c, 32, () -> half(driverFeatures, driverFeatureSelect), this::acceptFeatures,
                "features that the driver accepts");
        plain("config_msix_vector", 0x10, 16, () -> configVector, v -> configVector = vector(v),
                "vector for configuration changes");
        constant("num_queues", 0x12, 16, () -> queues.length, "how many queues there are");
        registers.register("device_status", 0x14, 8).summary("where driver and device are").notSaved().readOnly()
                .onRead(() -> status).onWrite(v -> writeStatus((int) v))
                .bit("ACKNOWLEDGE", 0, "the system has seen the device").bit("DRIVER", 1, "it has a driver for it")
                .bit("DRIVER_OK", DRIVER_OK, "the driver is ready").bit("FEATURES_OK", FEATURES_OK, "features are settled")
                .bit("DEVICE_NEEDS_RESET", NEEDS_RESET, "the driver broke a rule").bit("FAILED", 7, "the driver gave up");
        constant("config_generation", 0x15, 8, () -> generation, "changes with the device configuration");
    }

    private void declareQueue() {
        plain("queue_select", 0x16, 16, () -> queueSelect, v -> queueSelect = v, "which queue the following are about");
        queue("queue_size", 0x18, 16, q -> q.size, (q, v) -> q.size = v, "entries; 0 where there is no such queue");
        queue("queue_msix_vector", 0x1a, 16, q -> q.vector, (q, v) -> q.vector = vector(v), "vector for used buffers");
        queue("queue_enable", 0x1c, 16, q -> q.ring == null ? 0 : 1, this::enable, "1 enables the queue");
        constant("queue_notify_off", 0x1e, 16, () -> queueSelect, "where to notify, times notify_off_multiplier");
        queue("queue_desc_lo", 0x20, 32, q -> (int) q.descriptor, (q, v) -> q.descriptor = low(q.descriptor, v),
                "descriptor area");
        queue("queue_desc_hi", 0x24, 32, q -> (int) (q.descriptor >>> 32), (q, v) -> q.descriptor = high(q.descriptor, v),
                "bits 63 to 32");
        queue("queue_driver_lo", 0x28, 32, q -> (int) q.driver, (q, v) -> q.driver = low(q.driver, v), "driver area");
        queue("queue_driver_hi", 0x2c, 32, q -> (int) (q.driver >>> 32), (q, v) -> q.driver = high(q.driver, v),
                "bits 63 to 32");
        queue("queue_device_lo", 0x30, 32, q -> (int) q.device, (q, v) -> q.device = low(q.device, v), "device area");
        queue("queue_device_hi", 0x34, 32, q -> (int) (q.device >>> 32), (q, v) -> q.device = high(q.device, v),
                "bits 63 to 32");
    }

    private void constant(String name, int offset, int width, IntSupplier read, String summary) {
        registers.register(name, offset, width).summary(summary).notSaved().readOnly()
                .onRead(() -> read.getAsInt() & Bits.mask(width));
    }

    /** Keeps nothing itself: what it shows is the driver's set-up, here or in the selected queue. */
    private void plain(String name, int offset, int width, IntSupplier read, IntConsumer write, String summary) {
        registers.register(name, offset, width).summary(summary).notSaved().readOnly()
                .onRead(() -> read.getAsInt() & Bits.mask(width)).onWrite(v -> write.accept((int) v));
    }

    /** A register of the selected queue: settled once the queue is enabled. */
    private void queue(String name, int offset, int width, ToIntFunction<QueueSlot> read, ObjIntConsumer<QueueSlot> write,
                       String summary) {
        plain(name, offset, width, () -> queueSelect < queues.length ? read.applyAsInt(queues[queueSelect]) : 0, v -> {
            if (queueSelect < queues.length && (queues[queueSelect].ring == null || offset == 0x1a)) {
                write.accept(queues[queueSelect], v);
            }
        }, summary);
    }

    RegisterFile registers() {
        return registers;
    }

    long features() {
        return Bits.isSet(status, FEATURES_OK) ? driverFeatures : 0;
    }

    int configVector() {
        return configVector;
    }

    boolean live() {
        return Bits.isSet(status, DRIVER_OK) && !Bits.isSet(status, NEEDS_RESET) && !resetting;
    }

    boolean resetting() {
        return resetting;
    }

    /** Sets DEVICE_NEEDS_RESET; returns whether the driver is far enough to be told. */
    boolean needsReset() {
        status |= 1 << NEEDS_RESET;
        return Bits.isSet(status, DRIVER_OK);
    }

    void nextGeneration() {
        generation = generation + 1 & 0xff;
    }

    void finishReset() {
        resetting = false;
        status = 0;
        featureSelect = 0;
        driverFeatureSelect = 0;
        driverFeatures = 0;
        configVector = QueueSlot.NO_VECTOR;
        queueSelect = 0;
        for (QueueSlot queue : queues) {
            queue.reset();
        }
    }

    @Override
    public void exchangeState(StateIo io) {
        featureSelect = io.u32("device-feature-select", featureSelect);
        driverFeatureSelect = io.u32("driver-feature-select", driverFeatureSelect);
        driverFeatures = io.u64("driver-features", driverFeatures);
        configVector = vector(io.u16("config-vector", configVector));
        status = io.u8("status", status);
        checkFeatures();
        generation = io.u8("generation", generation);
        queueSelect = io.u16("queue-select", queueSelect);
        resetting = io.flag("resetting", resetting);
        for (int i = 0; i < queues.length; i++) {
            io.part("queue" + i, queues[i]);
        }
    }

    private void checkFeatures() {
        if (Bits.isSet(status, FEATURES_OK) && !featuresAcceptable()) {
            throw new StateException("driver-features: " + Long.toHexString(driverFeatures) + "h where "
                    + Long.toHexString(offered) + "h are offered");
        }
    }

    private void acceptFeatures(int half) {
        if (!Bits.isSet(status, FEATURES_OK)) {
            driverFeatures = driverFeatureSelect == 0 ? low(driverFeatures, half)
                    : driverFeatureSelect == 1 ? high(driverFeatures, half) : driverFeatures;
        }
    }

    private void writeStatus(int written) {
        if (written == 0) {
            resetting = true;
            events.resetWanted();
            return;
        }
        boolean wasLive = live();
        boolean acceptable = Bits.isSet(status, FEATURES_OK) || featuresAcceptable();
        status = written & ~(1 << NEEDS_RESET) & (acceptable ? 0xff : ~(1 << FEATURES_OK)) | status & 1 << NEEDS_RESET;
        if (live() && !wasLive) {
            events.live();
        }
    }

    /** Nothing that was not offered, and no legacy driver (sections 2.2.1 and 6.1). */
    private boolean featuresAcceptable() {
        return (driverFeatures & ~offered) == 0 && Bits.isSet(driverFeatures, Feature.VERSION_1);
    }

    private void enable(QueueSlot slot, int value) {
        if (value == 1 && Bits.isSet(status, FEATURES_OK)) {
            events.enable(slot);
        }
    }

    /** A vector that does not exist reads back as none (section 4.1.5.1.2). */
    private int vector(int wanted) {
        return wanted < vectors ? wanted : QueueSlot.NO_VECTOR;
    }

    private static int half(long features, int select) {
        return select == 0 ? (int) features : select == 1 ? (int) (features >>> 32) : 0;
    }

    private static long low(long whole, int half) {
        return whole & ~0xffff_ffffL | half & 0xffff_ffffL;
    }

    private static long high(long whole, int half) {
        return whole & 0xffff_ffffL | (long) half << 32;
    }
}
