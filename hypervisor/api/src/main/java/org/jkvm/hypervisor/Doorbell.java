package org.jkvm.hypervisor;

/** A place whose writes end in the backend, as an event: the guest goes on at once. Any thread. */
public interface Doorbell extends AutoCloseable {
    /** Whether it rang since the last time that this was asked. */
    boolean take();

    /** Writes are exits again. Who wants to know whether it rang takes it before. */
    @Override
    void close();
}
