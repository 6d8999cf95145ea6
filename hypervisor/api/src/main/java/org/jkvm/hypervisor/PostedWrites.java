package org.jkvm.hypervisor;

/** Takes writes that the backend has kept back, in the order in which the guest made them. */
public interface PostedWrites {
    /** A write of {@code size} bytes to a port. */
    void port(int port, int size, long value);

    /** A write of {@code size} bytes to a guest physical address. */
    void mmio(long address, int size, long value);
}
