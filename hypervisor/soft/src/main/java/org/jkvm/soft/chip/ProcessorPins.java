package org.jkvm.soft.chip;

/**
 * What a local APIC tells its processor: the other end of the vCPU's request word. Called from any thread with the chip's
 * lock held: an implementation sets bits, wakes its vCPU and returns; it neither waits nor takes another lock.
 */
public interface ProcessorPins {
    /**
     * Whether an interrupt waits that the processor would get from {@link VcpuInterrupts#acknowledgeInterrupt} now, if
     * RFLAGS.IF and its interrupt shadow let it. A level, called on changes only: the chip takes it back itself.
     */
    void interrupt(boolean level);

    /** A non-maskable interrupt: an event. */
    void nmi();

    /** An INIT IPI: an event. The local APIC has been reset already. */
    void init();

    /**
     * A startup IPI: an event, which means something only to a processor that waits for it or has an INIT pending.
     *
     * @param vector the start address is {@code vector << 12}
     */
    void startup(int vector);
}
