package org.jkvm.hypervisor;

/**
 * One virtual processor. {@link #run} is called from one thread, always the same; every other method from that thread
 * or while it is not running, but for {@link #kick} and the counters.
 */
public interface Vcpu extends AutoCloseable {
    /** The number it was made with. */
    int index();

    /**
     * Runs guest code until something needs user mode. A halted vCPU waits inside.
     *
     * @param answer the answer to the exit that the last call returned: {@link ExitAnswer#NONE} where it asked for none
     * @return why it came back
     * @throws IllegalArgumentException when the answer does not fit the last exit
     */
    VmExit run(ExitAnswer answer);

    /** Makes {@link #run} return {@link VmExit.Interrupted} soon, or at its next call. From any thread. */
    void kick();

    /** Raises a non-maskable interrupt. From any thread. */
    void injectNmi();

    /** Guest instructions executed so far, or -1 where the backend can't tell. From any thread. */
    long instructions();

    /** What the backend tells of its work for this vCPU: some lines, or none. From any thread. */
    default String describeEngine() {
        return "";
    }

    /** The thread that calls {@link #run} is about to end. On that thread. */
    default void leaveThread() {
    }

    /** Back to power-on state. Not while running. */
    void reset();

    /** Frees what it holds. */
    @Override
    void close();
}
