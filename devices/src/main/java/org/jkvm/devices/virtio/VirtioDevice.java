package org.jkvm.devices.virtio;

import org.jkvm.base.Bits;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateException;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;

/**
 * One kind of virtio device, without its transport: feature bits, queues, configuration structure, and what happens when
 * the driver notifies. Single-threaded: every call comes with the bus lock held. A {@link VirtioException} or
 * {@link org.jkvm.base.GuestMemory.BadAddress} that leaves a call makes the device need a reset.
 */
public abstract class VirtioDevice implements Stateful {
    private final String name;
    private final int type;
    private final int classCode;
    private final RegisterFile config;
    private VirtioTransport transport;

    /**
     * Says what it is.
     *
     * @param type      virtio device ID (virtio 1.2, section 5)
     * @param classCode PCI class code, 24 bits
     */
    protected VirtioDevice(String name, int type, int classCode) {
        this.name = name;
        this.type = type;
        this.classCode = classCode;
        this.config = new RegisterFile(name + "-config").undeclaredReadsAs(0);
    }

    /** Its name in traces and states. */
    public final String name() {
        return name;
    }

    /** Its virtio device ID. */
    public final int type() {
        return type;
    }

    /** Its PCI class code. */
    public final int classCode() {
        return classCode;
    }

    /** The device configuration structure. */
    public final RegisterFile config() {
        return config;
    }

    /** The device-specific feature bits that it offers, bits 0 to 23 and 50 on. */
    public abstract long offeredFeatures();

    /** How many queues it has; does not change. */
    public abstract int queueCount();

    /** Largest size of queue {@code queue}, which the driver finds before it chooses: a power of two. */
    public abstract int queueSize(int queue);

    /** How many MSI-X vectors it has unless told: one for each queue and one for configuration changes. */
    public int vectors() {
        return queueCount() + 1;
    }

    /** The driver has made buffers available in {@code queue}, or may have. Only while the device is live. */
    protected abstract void notified(int queue);

    /** The driver is ready: features and queues are settled. */
    protected void activated() {
    }

    /** Back to power-on state; what back ends still have under way comes to nothing. Queues are gone already. */
    protected abstract void resetDevice();

    /** Whether no back end has a request of this device under way that could still touch guest memory. */
    protected boolean isIdle() {
        return true;
    }

    @Override
    public void exchangeState(StateIo io) {
        io.part("config", config);
    }

    /** Called after everything, queues too, is restored and before the machine runs. */
    protected void restored() {
    }

    /** The transport that carries it. */
    protected final VirtioTransport transport() {
        return transport;
    }

    /** Whether feature bit {@code bit} was agreed on. */
    protected final boolean negotiated(int bit) {
        return Bits.isSet(transport.features(), bit);
    }

    /** Queue {@code index}, or null where the driver has not enabled it. */
    protected final Virtqueue queue(int index) {
        return transport.queue(index);
    }

    /** Tells the driver about used buffers in {@code queue}, if it wants to hear of them. */
    protected final void interruptIfWanted(int queue) {
        if (transport.queue(queue).interruptWanted()) {
            transport.interrupt(queue);
        }
    }

    /** Exchanges a buffer of queue {@code queue} that the device holds, or null: {@code held = exchangeHeld(...)}. */
    protected final Chain exchangeHeld(StateIo io, String name, int queue, Chain held) {
        if (!io.flag("holds " + name, held != null)) {
            return null;
        }
        if (queue >= queueCount() || queue(queue) == null) {
            throw new StateException(this.name + ": a buffer of queue " + queue + ", which is not enabled");
        }
        return queue(queue).exchangeChain(io, name, held);
    }

    final void attach(VirtioTransport newTransport) {
        transport = newTransport;
    }
}
