package org.jkvm.devices.serial;

import java.util.concurrent.Executor;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;
import org.jkvm.devices.ByteFifo;

/**
 * Bytes on their way from a back end's thread to a chip. The back end fills it from its own thread; the chip empties it
 * under the bus lock. Larger than any chip's FIFO, so that a paste does not cost one round trip a FIFO.
 */
final class Inbox implements CharacterBackend.Receiver, Stateful {
    private static final int CAPACITY = 1024;

    private final ByteFifo queue = new ByteFifo(CAPACITY);
    private final Executor bus;
    private final Runnable arrived;
    private final Runnable broke;

    /** Calls {@code arrived} and {@code broke} through {@code bus}. */
    Inbox(Executor bus, Runnable arrived, Runnable broke) {
        this.bus = bus;
        this.arrived = arrived;
        this.broke = broke;
    }

    @Override
    public synchronized int room() {
        return queue.room();
    }

    @Override
    public void receive(byte[] bytes, int offset, int length) {
        synchronized (this) {
            for (int i = 0; i < length; i++) {
                queue.push(bytes[offset + i]);
            }
        }
        bus.execute(arrived);
    }

    @Override
    public void receiveBreak() {
        bus.execute(broke);
    }

    /** Takes one byte, or returns -1. */
    synchronized int poll() {
        return queue.size() == 0 ? -1 : queue.pop();
    }

    @Override
    public synchronized void exchangeState(StateIo io) {
        queue.exchangeState(io);
    }
}
