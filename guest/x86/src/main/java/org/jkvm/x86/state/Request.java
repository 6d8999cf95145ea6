package org.jkvm.x86.state;

/** What other threads may ask of a vCPU, as bits of {@link CpuState#REQUESTS}. Checked at block boundaries. */
public final class Request {
    /** The interrupt chip has an interrupt for this vCPU. */
    public static final int INTR = 1;
    /** A non-maskable interrupt. */
    public static final int NMI = 1 << 1;
    /** INIT: reset to wait-for-SIPI. */
    public static final int INIT = 1 << 2;
    /** A start-up IPI; its vector is with the interrupt chip. */
    public static final int SIPI = 1 << 3;
    /** Leave to user mode. */
    public static final int KICK = 1 << 4;
    /** Drop all address translations (memory slots changed). */
    public static final int FLUSH_TLB = 1 << 5;
    /** Physical pages holding decoded code were written by someone else. */
    public static final int CODE_WRITTEN = 1 << 6;
    /** One instruction has been executed, as a debugger asked. */
    public static final int STEPPED = 1 << 7;

    private Request() {
    }
}
