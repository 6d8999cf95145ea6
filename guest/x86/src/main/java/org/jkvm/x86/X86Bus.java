package org.jkvm.x86;

/**
 * What a processor's pins lead to: memory slots, MMIO, ports, the local APIC, the time-stamp counter. Implemented by the
 * backend. Called on the vCPU's thread. Reads and writes that user mode must answer throw {@link ExitSignal}; when the
 * instruction is executed again, those that were answered return at once.
 */
public interface X86Bus {
    /** The host address of the 4 KiB page of RAM or ROM at guest physical {@code page}, or 0 where there is none. */
    long hostPage(long page);

    /**
     * Whether the RAM page at guest physical {@code page} may be written; also marks it in the dirty log. Asked before the page
     * is written and before {@link #holdsCode}.
     */
    boolean writablePage(long page);

    /** Reads 1, 2, 4 or 8 bytes that are not RAM. */
    long mmioRead(long address, int size);

    /** Writes 1, 2, 4 or 8 bytes that are not writable RAM. */
    void mmioWrite(long address, int size, long value);

    /** Reads a port: 1, 2 or 4 bytes. */
    int portRead(int port, int size);

    /** Writes a port: 1, 2 or 4 bytes. */
    void portWrite(int port, int size, int value);

    /** Takes the next interrupt: its vector, or -1 where there is none any more. */
    int acknowledgeInterrupt();

    /** The task priority, CR8. */
    int taskPriority();

    /** Sets the task priority, CR8: 0 to 15. */
    void setTaskPriority(int priority);

    /** Reads an MSR that belongs to the local APIC or to a paravirtual interface. */
    MsrResult readMsr(int number);

    /** Writes such an MSR; false where there is none or the value is not allowed. */
    boolean writeMsr(int number, long value);

    /** The time-stamp counter. */
    long timeStampCounter();

    /** Writes the time-stamp counter. */
    void setTimeStampCounter(long value);

    /** Code is about to be decoded from a physical page and kept: this processor must be told who writes it. */
    void decoding(long page);

    /** No code decoded from a physical page is kept any more. */
    void forgetting(long page);

    /** Whether any processor of the machine keeps code decoded from a physical page. */
    boolean holdsCode(long page);

    /** This processor wrote bytes on a page that {@link #holdsCode}: others that keep code from it must be told. */
    void codeWritten(long address, int size);

    /** The instruction that was begun, or one item of a repeated one, is complete: its answered accesses are spent. */
    void retired();

    /** FERR#: an unmasked x87 error while CR0.NE is 0 (IRQ 13). */
    void setFerr(boolean asserted);

    /** What {@link #readMsr} found. */
    record MsrResult(boolean exists, long value) {
        /** No such MSR. */
        public static final MsrResult ABSENT = new MsrResult(false, 0);
    }
}
