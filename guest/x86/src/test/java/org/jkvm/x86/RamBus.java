package org.jkvm.x86;

import java.lang.foreign.MemorySegment;

/** The least that a processor can be plugged into: RAM from guest physical address 0 on. Remembers FERR#. */
public final class RamBus implements X86Bus {
    private final MemorySegment ram;
    private boolean ferr;

    /** RAM is {@code ram}. */
    public RamBus(MemorySegment ram) {
        this.ram = ram;
    }

    /** FERR# as last driven. */
    public boolean ferr() {
        return ferr;
    }

    @Override
    public void setFerr(boolean asserted) {
        ferr = asserted;
    }

    @Override
    public long hostPage(long page) {
        return page >= 0 && page < ram.byteSize() ? ram.address() + page : 0;
    }

    @Override
    public boolean writablePage(long page) {
        return hostPage(page) != 0;
    }

    @Override
    public long mmioRead(long address, int size) {
        return -1;
    }

    @Override
    public void mmioWrite(long address, int size, long value) {
        // Nobody listens.
    }

    @Override
    public int portRead(int port, int size) {
        return -1;
    }

    @Override
    public void portWrite(int port, int size, int value) {
        // Nobody listens.
    }

    @Override
    public int acknowledgeInterrupt() {
        return -1;
    }

    @Override
    public int taskPriority() {
        return 0;
    }

    @Override
    public void setTaskPriority(int priority) {
        // No local APIC.
    }

    @Override
    public MsrResult readMsr(int number) {
        return MsrResult.ABSENT;
    }

    @Override
    public boolean writeMsr(int number, long value) {
        return false;
    }

    @Override
    public long timeStampCounter() {
        return System.nanoTime();
    }

    @Override
    public void setTimeStampCounter(long value) {
        // It is the host's.
    }

    @Override
    public void decoding(long page) {
        // Nobody asks.
    }

    @Override
    public void forgetting(long page) {
        // Nobody asks.
    }

    @Override
    public boolean holdsCode(long page) {
        return false;
    }

    @Override
    public void codeWritten(long address, int size) {
        // No other processor.
    }

    @Override
    public void retired() {
        // No answers to forget.
    }
}
