package org.jkvm.devices.pci;

import org.jkvm.base.Line;

/** How a board wires the slots' interrupt pins. */
@FunctionalInterface
public interface IntxWiring {
    /** No pin leads anywhere. */
    IntxWiring NONE = (device, pin) -> Line.UNCONNECTED;

    /**
     * The line behind pin {@code pin} (1 is INTA#, 4 is INTD#) of slot {@code device} (0 to 31). Asked once for each
     * function; the function is the only driver of the line that is returned.
     */
    Line line(int device, int pin);
}
