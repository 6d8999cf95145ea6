package org.jkvm.testkit;

import org.jkvm.base.Line;

/** A line that remembers its level and counts its rising edges. */
public final class FakeLine implements Line {
    private boolean level;
    private int edges;

    @Override
    public void set(boolean newLevel) {
        if (newLevel && !level) {
            edges++;
        }
        level = newLevel;
    }

    /** The present level. */
    public boolean level() {
        return level;
    }

    /** Rising edges so far. */
    public int edges() {
        return edges;
    }
}
