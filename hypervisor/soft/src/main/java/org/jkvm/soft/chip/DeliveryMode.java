package org.jkvm.soft.chip;

import java.util.List;

/** What an interrupt message asks of the processor, in the order of its code (SDM vol. 3A, 10.5.1, "Delivery Mode"). */
enum DeliveryMode {
    FIXED, LOWEST_PRIORITY, SMI, RESERVED, NMI, INIT, STARTUP, EXTINT;

    private static final List<DeliveryMode> CODES = List.of(values());

    /** The mode in bits 10:8 of an LVT entry, an ICR, a redirection entry or MSI data. */
    static DeliveryMode of(long register) {
        return CODES.get((int) (register >> 8 & 7));
    }
}
