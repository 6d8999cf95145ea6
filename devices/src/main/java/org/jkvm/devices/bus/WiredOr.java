package org.jkvm.devices.bus;

import org.jkvm.base.Bits;
import org.jkvm.base.Line;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;

/**
 * One wire with several drivers: asserted while any of them asserts it, as an open-drain interrupt line is. At most 64
 * drivers, joined at construction time. Single-threaded: drivers hold the bus lock.
 */
public final class WiredOr implements Stateful {
    private static final int MAX_DRIVERS = 64;

    private final Line output;
    private int drivers;
    private long asserted;

    /** A wire that ends at {@code output}. */
    public WiredOr(Line output) {
        this.output = output;
    }

    /** Joins one more driver to the wire. */
    public Line join() {
        if (drivers == MAX_DRIVERS) {
            throw new IllegalStateException("a wire has at most " + MAX_DRIVERS + " drivers");
        }
        int driver = drivers++;
        return level -> drive(driver, level);
    }

    /** Whether any driver asserts it. */
    public boolean level() {
        return asserted != 0;
    }

    @Override
    public void exchangeState(StateIo io) {
        asserted = io.u64("asserted", asserted);
    }

    private void drive(int driver, boolean level) {
        boolean before = level();
        asserted = Bits.with(asserted, driver, level);
        if (before != level()) {
            output.set(level());
        }
    }
}
