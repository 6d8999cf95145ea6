package org.jkvm.base;

/** Where message-signalled interrupts go: a 32-bit write of {@code data} to {@code address} (PCI 3.0, section 6.8). */
@FunctionalInterface
public interface MsiSink {
    /** Delivers one message. May be called from any thread. */
    void signal(long address, int data);
}
