package org.jkvm.soft.chip;

/**
 * An interrupt message on its way to local APICs (SDM vol. 3A, 10.6 and 10.11).
 *
 * @param destination an APIC id or a logical destination
 * @param logical     which of the two
 * @param wide        whether the destination has 32 bits, as x2APICs send it, and not 8
 * @param mode        what is asked
 * @param vector      the vector; a startup IPI's page number
 * @param level       level-triggered: its EOI is broadcast
 */
record ApicMessage(int destination, boolean logical, boolean wide, DeliveryMode mode, int vector, boolean level) {
    /** Where it is written to as an MSI (SDM vol. 3A, 10.11.1); of destinations of 8 bits. */
    long address() {
        return 0xfee0_0000L | (long) destination << 12 | (logical ? 4 : 0);
    }

    /** What is written there (SDM vol. 3A, 10.11.2); level-triggered ones are assertions. */
    int data() {
        return vector | mode.ordinal() << 8 | (level ? 0xc000 : 0);
    }

    /** All ones name every local APIC (SDM vol. 3A, 10.6.2). */
    boolean broadcast() {
        return destination == (wide ? -1 : 0xff);
    }
}
