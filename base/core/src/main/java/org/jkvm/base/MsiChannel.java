package org.jkvm.base;

/** One source's way to an {@link MsiSink}. Any thread. */
public interface MsiChannel extends MsiSink {
    /** Gives back what it holds; the next message takes it again. When this returns, every message has been delivered. */
    void release();
}
