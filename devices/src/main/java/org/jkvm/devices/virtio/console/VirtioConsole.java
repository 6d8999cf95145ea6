package org.jkvm.devices.virtio.console;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.TreeMap;
import org.jkvm.base.UserException;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.base.register.Register;
import org.jkvm.base.state.StateIo;
import org.jkvm.devices.virtio.Chain;
import org.jkvm.devices.virtio.Segments;
import org.jkvm.devices.virtio.VirtioDevice;
import org.jkvm.devices.virtio.Virtqueue;

/**
 * Console device (virtio 1.2, section 5.3), {@code virtio-serial-pci} on QEMU's command line: up to 31 ports, some of
 * them consoles. A driver that knows no ports uses port 0.
 */
public final class VirtioConsole extends VirtioDevice {
    /** Virtio device ID. */
    public static final int TYPE = 3;
    private static final int SIMPLE_COMMUNICATION = 0x078000;
    private static final int QUEUE_SIZE = 128;
    private static final int F_SIZE = 0;
    private static final int F_MULTIPORT = 1;
    private static final int F_EMERG_WRITE = 2;
    private static final int CONTROL_RECEIVE = 2;
    private static final int CONTROL_TRANSMIT = 3;

    private final SerialOptions options;
    private final TreeMap<Integer, ConsolePort> ports = new TreeMap<>();
    private final ControlQueue control = new ControlQueue();
    private final Register columns;
    private final Register rows;

    /** A device without ports. */
    public VirtioConsole(SerialOptions options) {
        super("virtio-console", TYPE, SIMPLE_COMMUNICATION);
        this.options = options;
        config().summary("device configuration structure").source("virtio 1.2, section 5.3.4");
        columns = config().register("cols", 0, 16).readOnly().summary("width of the console, in characters");
        rows = config().register("rows", 2, 16).readOnly().summary("height of the console, in characters");
        config().register("max_nr_ports", 4, 32).readOnly().reset(options.maxPorts()).summary("ports there is room for");
        config().register("emerg_wr", 8, 32).writeOnly().notSaved().onWrite(this::emergencyWrite)
                .summary("writes a character without queues");
    }

    /**
     * Adds a port, before the machine starts.
     *
     * @throws UserException when the number is taken or too large
     */
    public void addPort(PortOptions port, CharacterBackend backend) {
        if (port.nr() < 0 || port.nr() >= options.maxPorts() || ports.containsKey(port.nr())) {
            throw new UserException("virtserialport: property 'nr' must be a free number from 0 to "
                    + (options.maxPorts() - 1));
        }
        ConsolePort added = new ConsolePort(port, backend, this);
        ports.put(port.nr(), added);
        backend.connect(added);
    }

    /** The terminal behind the console ports has a new size. With the bus lock held. */
    public void resize(int newColumns, int newRows) {
        columns.set(newColumns);
        rows.set(newRows);
        transport().configChanged();
        if (transport().live() && negotiated(F_MULTIPORT)) {
            ports.values().stream().filter(port -> port.options().console() && port.guestReady()).forEach(this::sendSize);
            deliverControl();
        }
    }

    @Override
    public long offeredFeatures() {
        return 1L << F_SIZE | 1L << F_MULTIPORT | (options.emergencyWrite() ? 1L << F_EMERG_WRITE : 0);
    }

    @Override
    public int queueCount() {
        return 2 * (options.maxPorts() + 1);
    }

    @Override
    public int queueSize(int queue) {
        return QUEUE_SIZE;
    }

    /** As many as QEMU has: one a port and one more; drivers share them among queues. */
    @Override
    public int vectors() {
        return options.maxPorts() + 1;
    }

    @Override
    protected void notified(int queue) {
        if (queue == CONTROL_RECEIVE) {
            deliverControl();
        } else if (queue % 2 == 0) {
            deliverInput(ports.get(portOf(queue)));
        } else {
            transmit(queue);
        }
    }

    @Override
    protected void resetDevice() {
        control.reset();
        ports.values().forEach(ConsolePort::reset);
    }

    @Override
    public void exchangeState(StateIo io) {
        super.exchangeState(io);
        io.part("control", control);
        ports.forEach((number, port) -> io.part("port" + number, port));
    }

    /** From the back end's thread. */
    void inputArrived(ConsolePort port) {
        if (transport() != null) {
            transport().onBus(() -> deliverInput(port));
        }
    }

    private static int portOf(int queue) {
        return queue < CONTROL_RECEIVE ? 0 : queue / 2 - 1;
    }

    private void deliverInput(ConsolePort port) {
        if (port == null || !transport().live()) {
            return;
        }
        int queue = ConsolePort.receiveQueue(port.options().nr());
        Virtqueue ring = queue(queue);
        if (ring != null && port.deliver(ring)) {
            interruptIfWanted(queue);
        }
    }

    private void deliverControl() {
        Virtqueue ring = queue(CONTROL_RECEIVE);
        if (ring != null && control.deliver(ring)) {
            interruptIfWanted(CONTROL_RECEIVE);
        }
    }

    private void transmit(int queue) {
        Virtqueue ring = queue(queue);
        boolean used = false;
        do {
            ring.suppressNotifications();
            for (Chain chain = ring.pop(); chain != null; chain = ring.pop()) {
                consume(queue, chain.readable());
                ring.push(chain, 0);
                used = true;
            }
        } while (ring.enableNotifications());
        if (used) {
            interruptIfWanted(queue);
        }
        deliverControl();
    }

    private void consume(int queue, Segments output) {
        ConsolePort port = queue == CONTROL_TRANSMIT ? null : ports.get(portOf(queue));
        if (port != null) {
            port.transmit(output);
        } else if (queue == CONTROL_TRANSMIT) {
            obey(output);
        }
    }

    /** A message of the driver's; one that is too short or about no port of ours is passed over. */
    private void obey(Segments message) {
        byte[] header = new byte[ControlQueue.HEADER];
        if (message.read(0, header, 0, header.length) == header.length) {
            ByteBuffer fields = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
            obey(ports.get(fields.getInt(0)), fields.getShort(4) & 0xffff, fields.getShort(6) & 0xffff);
        }
    }

    private void obey(ConsolePort port, int event, int value) {
        if (event == ControlQueue.DEVICE_READY && value == 1) {
            ports.keySet().forEach(number -> control.send(number, ControlQueue.PORT_ADD, 1));
        } else if (event == ControlQueue.PORT_READY && value == 1 && port != null) {
            introduce(port);
        } else if (event == ControlQueue.PORT_OPEN && port != null) {
            port.guestOpened(value == 1);
            deliverInput(port);
        }
    }

    private void introduce(ConsolePort port) {
        int number = port.options().nr();
        port.guestIsReady();
        if (port.options().console()) {
            control.send(number, ControlQueue.CONSOLE_PORT, 1);
            sendSize(port);
        }
        if (!port.options().name().isEmpty()) {
            control.send(number, ControlQueue.PORT_NAME, 1, port.options().name().getBytes(StandardCharsets.UTF_8));
        }
        control.send(number, ControlQueue.PORT_OPEN, 1);
    }

    /** Columns, then rows (section 5.3.6.2.2); Linux before 6.15 reads them the other way round. */
    private void sendSize(ConsolePort port) {
        if (columns.get() != 0) {
            byte[] size = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putShort((short) columns.get())
                    .putShort((short) rows.get()).array();
            control.send(port.options().nr(), ControlQueue.RESIZE, 0, size);
        }
    }

    private void emergencyWrite(long written) {
        ConsolePort first = ports.get(0);
        if (first != null && options.emergencyWrite()) {
            first.transmit((int) written & 0xff);
        }
    }
}
