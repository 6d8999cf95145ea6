package org.jkvm.storage;

import java.io.IOException;

/** Has several threads do something one after another, in the order of the numbers that they bring: 0, 1, 2 and so on. */
final class Turns {
    /** About as long as another thread's turn lasts at best: who sleeps takes as long to wake up. */
    private static final int SPINS = 300;

    private volatile long now;
    private volatile boolean over;

    /** Waits until it is {@code number}'s turn; false where there are no more turns. */
    boolean await(long number) throws IOException {
        for (int i = 0; i < SPINS && now != number && !over; i++) {
            Thread.onSpinWait();
        }
        return now == number && !over || sleep(number);
    }

    private synchronized boolean sleep(long number) throws IOException {
        try {
            while (now != number && !over) {
                wait();
            }
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        }
        return !over;
    }

    /** This turn, if it is that, is over. */
    synchronized void next(long number) {
        if (now == number) {
            now++;
            notifyAll();
        }
    }

    /** No more turns: one of the threads gives up. */
    synchronized void stop() {
        over = true;
        notifyAll();
    }
}
