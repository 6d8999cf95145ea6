package org.jkvm.soft.chip;

import java.util.ArrayList;
import java.util.List;

/** A processor that remembers what it was told. */
final class FakePins implements ProcessorPins {
    final List<String> events = new ArrayList<>();
    boolean interrupt;

    @Override
    public void interrupt(boolean level) {
        interrupt = level;
    }

    @Override
    public void nmi() {
        events.add("nmi");
    }

    @Override
    public void init() {
        events.add("init");
    }

    @Override
    public void startup(int vector) {
        events.add("startup " + Integer.toHexString(vector));
    }
}
