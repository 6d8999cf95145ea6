package org.jkvm.devices.virtio.console;

import java.util.Arrays;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;
import org.jkvm.devices.virtio.Chain;
import org.jkvm.devices.virtio.Segments;
import org.jkvm.devices.virtio.Virtqueue;

/**
 * One port of a console device: bytes between two queues and a character back end. Input waits in a small FIFO until the
 * driver has buffers; the FIFO is the only part that the back end's thread touches.
 */
final class ConsolePort implements Stateful, CharacterBackend.Receiver {
    private static final int FIFO = 4096;
    private static final int CHUNK = 4096;

    private final PortOptions options;
    private final CharacterBackend backend;
    private final VirtioConsole owner;
    private final transient byte[] chunk = new byte[CHUNK];
    private final Object fifoLock = new Object();
    private final byte[] fifo = new byte[FIFO];
    private int fifoCount;
    private boolean guestReady;
    private volatile boolean guestOpen;

    ConsolePort(PortOptions options, CharacterBackend backend, VirtioConsole owner) {
        this.options = options;
        this.backend = backend;
        this.owner = owner;
        guestOpen = options.console();
    }

    PortOptions options() {
        return options;
    }

    /** Queue that carries bytes to the guest (virtio 1.2, section 5.3.2): port 0 comes before the control queues. */
    static int receiveQueue(int number) {
        return number == 0 ? 0 : 2 + 2 * number;
    }

    @Override
    public int room() {
        synchronized (fifoLock) {
            return guestOpen ? FIFO - fifoCount : 0;
        }
    }

    @Override
    public void receive(byte[] bytes, int offset, int length) {
        synchronized (fifoLock) {
            int taken = Math.min(length, FIFO - fifoCount);
            System.arraycopy(bytes, offset, fifo, fifoCount, taken);
            fifoCount += taken;
        }
        owner.inputArrived(this);
    }

    /** Sends input to the driver as far as it has buffers. Returns whether any was used. */
    boolean deliver(Virtqueue ring) {
        boolean used = false;
        while (waiting() > 0) {
            Chain chain = ring.pop();
            if (chain != null) {
                ring.push(chain, fill(chain.writable()));
                used = true;
            } else if (!ring.enableNotifications()) {
                break;
            }
        }
        return used;
    }

    /** Takes what the driver sends. */
    void transmit(Segments output) {
        for (long at = 0; at < output.length(); at += CHUNK) {
            backend.write(chunk, 0, output.read(at, chunk, 0, CHUNK));
        }
    }

    /** Takes one character of a driver that has no queues (section 5.3.4, emerg_wr). */
    void transmit(int character) {
        backend.write(new byte[]{(byte) character}, 0, 1);
    }

    /** Whether the driver has taken note of the port. */
    boolean guestReady() {
        return guestReady;
    }

    void guestIsReady() {
        guestReady = true;
    }

    /** The guest has opened or closed the port. A console is always open. */
    void guestOpened(boolean open) {
        guestOpen = open || options.console();
    }

    void reset() {
        synchronized (fifoLock) {
            fifoCount = 0;
        }
        guestOpen = options.console();
        guestReady = false;
    }

    @Override
    public void exchangeState(StateIo io) {
        guestReady = io.flag("guest-ready", guestReady);
        guestOpen = io.flag("guest-open", guestOpen);
        synchronized (fifoLock) {
            byte[] kept = io.blob("fifo", Arrays.copyOf(fifo, fifoCount), FIFO);
            System.arraycopy(kept, 0, fifo, 0, kept.length);
            fifoCount = kept.length;
        }
    }

    private int waiting() {
        synchronized (fifoLock) {
            return fifoCount;
        }
    }

    private int fill(Segments target) {
        synchronized (fifoLock) {
            int sent = target.write(0, fifo, 0, fifoCount);
            System.arraycopy(fifo, sent, fifo, 0, fifoCount - sent);
            fifoCount -= sent;
            return sent;
        }
    }
}
