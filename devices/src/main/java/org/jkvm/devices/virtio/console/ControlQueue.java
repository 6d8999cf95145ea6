package org.jkvm.devices.virtio.console;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;
import org.jkvm.devices.virtio.Chain;
import org.jkvm.devices.virtio.Virtqueue;

/** Messages to the driver about ports (virtio 1.2, section 5.3.6.2), kept until it has buffers; a flood is cut off. */
final class ControlQueue implements Stateful {
    static final int HEADER = 8;
    static final int DEVICE_READY = 0;
    static final int PORT_ADD = 1;
    static final int PORT_READY = 3;
    static final int CONSOLE_PORT = 4;
    static final int RESIZE = 5;
    static final int PORT_OPEN = 6;
    static final int PORT_NAME = 7;
    private static final int MAX_WAITING = 256;
    private static final int MAX_MESSAGE = HEADER + 128;

    private final ArrayDeque<byte[]> waiting = new ArrayDeque<>();

    /** Queues a message: port, event, value, and what follows. */
    void send(int port, int event, int value, byte... rest) {
        if (waiting.size() < MAX_WAITING) {
            waiting.add(ByteBuffer.allocate(HEADER + rest.length).order(ByteOrder.LITTLE_ENDIAN).putInt(port)
                    .putShort((short) event).putShort((short) value).put(rest).array());
        }
    }

    /** Sends what the driver has buffers for; returns whether any was used. */
    boolean deliver(Virtqueue ring) {
        boolean used = false;
        while (!waiting.isEmpty()) {
            Chain chain = ring.pop();
            if (chain != null) {
                byte[] message = waiting.poll();
                ring.push(chain, chain.writable().write(0, message, 0, message.length));
                used = true;
            } else if (!ring.enableNotifications()) {
                break;
            }
        }
        return used;
    }

    void reset() {
        waiting.clear();
    }

    @Override
    public void exchangeState(StateIo io) {
        int count = Math.min(io.u16("waiting", waiting.size()), MAX_WAITING);
        byte[][] messages = waiting.toArray(new byte[count][]);
        waiting.clear();
        for (int i = 0; i < count; i++) {
            waiting.add(io.blob("message" + i, io.restoring() ? new byte[0] : messages[i], MAX_MESSAGE));
        }
    }
}
