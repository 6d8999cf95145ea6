package org.jkvm.base;

/** Where message-signalled interrupts go: a 32-bit write of {@code data} to {@code address} (PCI 3.0, section 6.8). */
@FunctionalInterface
public interface MsiSink {
    /** Delivers one message. May be called from any thread. */
    void signal(long address, int data);

    /**
     * A way of its own for a source that sends one message over and over, such as an MSI-X vector: messages through it may be
     * cheaper, and differ from others in nothing else.
     */
    default MsiChannel channel() {
        return new MsiChannel() {
            @Override
            public void signal(long address, int data) {
                MsiSink.this.signal(address, data);
            }

            @Override
            public void release() {
                // Nothing is held: every message was delivered at once.
            }
        };
    }
}
