package org.jkvm.base.state;

/** Something whose state can be saved and restored, written once for both directions. */
public interface Stateful {
    /**
     * Exchanges every field with {@code io}: {@code count = io.u16("count", count);}. Names, not positions. Wiring is
     * never exchanged, and restoring drives no line. Called with the machine stopped.
     */
    void exchangeState(StateIo io);
}
