package org.jkvm.devices.bus;

import org.jkvm.base.Line;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;

/**
 * Several wires into one, asserted while any is: interrupts that share a line, the two switches of A20. Single-threaded,
 * under the bus lock.
 */
public final class OrGate implements Stateful {
    private final Line output;
    private int inputs;
    private long asserted;

    /** A gate without inputs. */
    public OrGate(Line output) {
        this.output = output;
    }

    /** One more input, not asserted; 64 at most. */
    public Line input() {
        if (inputs == Long.SIZE) {
            throw new IllegalStateException("an OR gate has 64 inputs at most");
        }
        long bit = 1L << inputs++;
        return level -> {
            asserted = level ? asserted | bit : asserted & ~bit;
            output.set(asserted != 0);
        };
    }

    @Override
    public void exchangeState(StateIo io) {
        asserted = io.u64("asserted", asserted);
    }
}
