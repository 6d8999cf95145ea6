package org.jkvm.devices.virtio;

import java.util.List;
import java.util.concurrent.Executor;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.IoHandler;
import org.jkvm.base.MsiSink;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateIo;
import org.jkvm.devices.pci.Bar;
import org.jkvm.devices.pci.Msix;
import org.jkvm.devices.pci.PciFunction;
import org.jkvm.devices.pci.PciIdentity;

/**
 * A virtio device on PCI (virtio 1.2, section 4.1), modern only. BAR 4 holds the four structures a page apart, BAR 1 the
 * MSI-X table. A driver that breaks the rules is told that the device needs a reset; the device then stands still.
 */
public final class VirtioPci extends PciFunction {
    private static final System.Logger LOG = System.getLogger(VirtioPci.class.getName());
    private static final int VENDOR = 0x1af4;
    private static final int FIRST_MODERN_DEVICE = 0x1040;
    private static final int REVISION = 1;
    private static final int SUBSYSTEM = 0x1100;
    private static final int CAPABILITY_VENDOR = 0x09;
    private static final int STRUCTURES_BAR = 4;
    private static final int MSIX_BAR = 1;
    private static final int PAGE = 0x1000;
    private static final int NOTIFY_MULTIPLIER = 4;
    private static final int ISR_QUEUE = 1;
    private static final int ISR_CONFIG = 2;

    private final VirtioDevice device;
    private final Board board;
    private final VirtioOptions options;
    private final QueueSlot[] queues;
    private final CommonConfig common;
    private final Msix msix;
    private final RegisterFile isrFile = new RegisterFile("virtio-isr").undeclaredReadsAs(0)
            .summary("interrupt status").source("virtio 1.2, section 4.1.4.5");
    private final Register isr = isrFile.register("isr_status", 0, 8).readOnly().summary("reading it lets go of INTx#")
            .bit("QUEUE", 0, "a queue has used buffers").bit("CONFIG", 1, "the configuration has changed");
    private final ConfigAccess configAccess;
    private transient long violations;

    /**
     * What the machine gives a device.
     *
     * @param memory guest memory
     * @param msi    where MSI-X messages go
     * @param bus    runs work with the bus lock held, on whichever thread; never refuses
     */
    public record Board(GuestMemory memory, MsiSink msi, Executor bus) {
    }

    /** Puts {@code device} on PCI. */
    public VirtioPci(VirtioDevice device, Board board, VirtioOptions options) {
        super(device.name(), new PciIdentity(VENDOR, FIRST_MODERN_DEVICE + device.type(), REVISION, device.classCode(),
                VENDOR, SUBSYSTEM), 1);
        this.device = device;
        this.board = board;
        this.options = options;
        isr.onRead(this::readIsr);
        queues = new QueueSlot[device.queueCount()];
        for (int i = 0; i < queues.length; i++) {
            queues[i] = new QueueSlot(device.queueSize(i), this::open);
        }
        int vectors = options.vectors() < 0 ? device.vectors() : options.vectors();
        common = new CommonConfig(offered(), vectors, queues, new DriverEvents());
        msix = vectors == 0 ? null : new Msix(this, MSIX_BAR, vectors, board.msi);
        bar(STRUCTURES_BAR, Bar.Kind.MEMORY_64, 4 * PAGE, new Structures());
        declareStructure("VIRTIO COMMON", 1, 16, 0, CommonConfig.LENGTH);
        declareStructure("VIRTIO ISR", 3, 16, PAGE, 1);
        declareStructure("VIRTIO DEVICE", 4, 16, 2 * PAGE, PAGE);
        int notify = declareStructure("VIRTIO NOTIFY", 2, 20, 3 * PAGE, PAGE);
        config().register("VIRTIO NOTIFY notify_off_multiplier", notify + 16, 32).reset(NOTIFY_MULTIPLIER).readOnly();
        configAccess = new ConfigAccess(capability("VIRTIO PCI_CFG", CAPABILITY_VENDOR, 20));
        device.attach(new Transport());
    }

    private long offered() {
        return device.offeredFeatures() | options.features();
    }

    /** One vendor capability that says where a structure is (section 4.1.4). */
    private int declareStructure(String label, int type, int length, int offset, int size) {
        int at = capability(label, CAPABILITY_VENDOR, length);
        config().register(label + " cap_len", at + 2, 8).reset(length).readOnly();
        config().register(label + " cfg_type", at + 3, 8).reset(type).readOnly();
        config().register(label + " bar", at + 4, 8).reset(STRUCTURES_BAR).readOnly();
        config().register(label + " offset", at + 8, 32).reset(offset).readOnly();
        config().register(label + " length", at + 12, 32).reset(size).readOnly();
        return at;
    }

    /** The device behind the transport. */
    public VirtioDevice device() {
        return device;
    }

    /** How often the driver broke a rule. */
    public long violations() {
        return violations;
    }

    @Override
    public List<RegisterFile> registerFiles() {
        return Stream.of(config(), common.registers(), isrFile, device.config()).filter(f -> !f.registers().isEmpty())
                .toList();
    }

    @Override
    public void reset() {
        resetDriverState();
        if (msix != null) {
            msix.reset();
        }
        configAccess.reset();
        super.reset();
    }

    @Override
    public void exchangeState(StateIo io) {
        super.exchangeState(io);
        io.part("isr", isrFile);
        if (msix != null) {
            io.part("msix", msix);
        }
        io.part("common", common);
        io.part("device", device);
        if (io.restoring()) {
            device.restored();
        }
    }

    private void resetDriverState() {
        common.finishReset();
        isrFile.reset();
        setInterrupt(false);
        device.resetDevice();
    }

    private Virtqueue open(QueueSlot slot) {
        long features = common.features();
        return Virtqueue.open(board.memory, new Virtqueue.Layout(slot.size, slot.descriptor, slot.driver, slot.device,
                has(features, Feature.RING_PACKED), has(features, Feature.RING_EVENT_IDX),
                has(features, Feature.RING_INDIRECT_DESC)));
    }

    private static boolean has(long features, int bit) {
        return (features >>> bit & 1) != 0;
    }

    /** Runs what a driver's mistake can end. */
    private void guarded(Runnable work) {
        try {
            work.run();
        } catch (VirtioException | GuestMemory.BadAddress e) {
            violated(e.getMessage());
        }
    }

    private void violated(String why) {
        if (violations++ == 0) {
            LOG.log(System.Logger.Level.WARNING, "{0}: the driver broke a rule, a reset is needed: {1}", name(), why);
        }
        if (common.needsReset()) {
            signalConfig();
        }
    }

    private void notified(long queue) {
        if (queue < queues.length && queues[(int) queue].ring != null && common.live() && busMaster()) {
            guarded(() -> device.notified((int) queue));
        }
    }

    private void signalConfig() {
        signal(common.configVector(), ISR_CONFIG);
    }

    /** By message where MSI-X is on, by status bit and pin where not (section 4.1.5.3). */
    private void signal(int vector, int isrBit) {
        if (msix != null && msix.enabled()) {
            msix.signal(vector);
        } else {
            isr.set(isr.get() | isrBit);
            setInterrupt(true);
        }
    }

    private long readIsr() {
        long seen = isr.get();
        isr.set(0);
        setInterrupt(false);
        return seen;
    }

    private final class DriverEvents implements CommonConfig.Events {
        @Override
        public void live() {
            guarded(device::activated);
            for (int i = 0; i < queues.length; i++) {
                notified(i);
            }
        }

        @Override
        public void resetWanted() {
            if (device.isIdle()) {
                resetDriverState();
            }
        }

        @Override
        public void enable(QueueSlot slot) {
            guarded(slot::enable);
        }
    }

    private final class Transport implements VirtioTransport {
        @Override
        public long features() {
            return common.features();
        }

        @Override
        public GuestMemory memory() {
            return board.memory;
        }

        @Override
        public Virtqueue queue(int index) {
            return queues[index].ring;
        }

        @Override
        public void interrupt(int index) {
            signal(queues[index].vector, ISR_QUEUE);
        }

        @Override
        public void configChanged() {
            common.nextGeneration();
            if (common.live()) {
                signalConfig();
            }
        }

        @Override
        public void onBus(Runnable work) {
            board.bus.execute(() -> guarded(work));
        }

        @Override
        public void idle() {
            if (common.resetting()) {
                resetDriverState();
            }
        }

        @Override
        public boolean live() {
            return common.live();
        }
    }

    /** What BAR 4 decodes: common, ISR, device and notification structures, a page each. */
    private final class Structures implements IoHandler {
        @Override
        public long read(long offset, int size) {
            long at = offset & PAGE - 1;
            return switch ((int) (offset / PAGE)) {
                case 0 -> common.registers().read(at, size);
                case 1 -> isrFile.read(at, size);
                case 2 -> device.config().read(at, size);
                default -> 0;
            };
        }

        @Override
        public void write(long offset, int size, long value) {
            long at = offset & PAGE - 1;
            switch ((int) (offset / PAGE)) {
                case 0 -> common.registers().write(at, size, value);
                case 1 -> { }
                case 2 -> device.config().write(at, size, value);
                default -> notified(at / NOTIFY_MULTIPLIER);
            }
        }

        /** A queue's notification is a write of two bytes, whose value the offset tells already (section 4.1.5.2). */
        @Override
        public int[] doorbells() {
            return IntStream.range(0, queues.length).map(queue -> 3 * PAGE + NOTIFY_MULTIPLIER * queue).toArray();
        }
    }

    /** Access to the structures by configuration cycles (section 4.1.4.9), for firmware that maps no memory. */
    private final class ConfigAccess {
        private final Register bar;
        private final Register offset;
        private final Register length;
        private final Structures structures = new Structures();

        ConfigAccess(int at) {
            String label = "VIRTIO PCI_CFG ";
            config().register(label + "cap_len", at + 2, 8).reset(20).readOnly();
            config().register(label + "cfg_type", at + 3, 8).reset(5).readOnly();
            bar = config().register(label + "bar", at + 4, 8).summary("which BAR to access");
            offset = config().register(label + "offset", at + 8, 32).summary("where in it");
            length = config().register(label + "length", at + 12, 32).summary("1, 2 or 4 bytes");
            config().register(label + "data", at + 16, 32).notSaved().onRead(this::read).onWrite(this::write);
        }

        void reset() {
            bar.set(0);
            offset.set(0);
            length.set(0);
        }

        private boolean valid() {
            long size = length.get();
            return bar.get() == STRUCTURES_BAR && (size == 1 || size == 2 || size == 4) && offset.get() % size == 0
                    && offset.get() + size <= 4 * PAGE;
        }

        private long read() {
            return valid() ? structures.read(offset.get(), (int) length.get()) : 0xffff_ffffL;
        }

        private void write(long value) {
            if (valid()) {
                structures.write(offset.get(), (int) length.get(), value);
            }
        }
    }
}
