package org.jkvm.machine.run;

/**
 * Where vCPU threads wait while anything holds them: a pause, a reset, any request of {@link Machine}'s. Holds are
 * counted; vCPUs may run while there is none.
 */
final class VcpuGate {
    private final int threads;
    private int holds = 1;
    private int outside;
    private boolean ended;

    /** A gate for {@code threads} vCPU threads, held once. */
    VcpuGate(int threads) {
        this.threads = threads;
        this.outside = threads;
    }

    /** Adds a hold. vCPU threads come to the gate when they have left guest mode: kick them. From any thread. */
    synchronized void hold() {
        holds++;
        notifyAll();
    }

    /** Takes a hold away. From any thread. */
    synchronized void release() {
        holds--;
        notifyAll();
    }

    /** Whether a vCPU thread should come to the gate. */
    synchronized boolean held() {
        return holds > 0 || ended;
    }

    /** Called by a vCPU thread outside guest mode: waits until nothing holds; {@code false} means leave for good. */
    synchronized boolean pass() throws InterruptedException {
        outside++;
        notifyAll();
        while (holds > 0 && !ended) {
            wait();
        }
        outside--;
        return !ended;
    }

    /** Called by a vCPU thread when it begins. */
    synchronized void enter() {
        outside--;
    }

    /** Called by a vCPU thread when it ends. */
    synchronized void leave() {
        outside++;
        notifyAll();
    }

    /** Waits until every vCPU thread is at the gate, or has not begun, or has ended. Only while held. */
    synchronized void awaitAllOutside() throws InterruptedException {
        while (outside < threads) {
            wait();
        }
    }

    /** Waits until something holds: what a processor does that has nothing left to do. */
    synchronized void awaitHold() throws InterruptedException {
        while (!held()) {
            wait();
        }
    }

    /** Sends the vCPU threads home. */
    synchronized void end() {
        ended = true;
        notifyAll();
    }
}
