package org.jkvm.soft.chip;

import java.util.function.IntConsumer;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;

/** Carries interrupt messages to local APICs and their EOIs back. Single-threaded: the chip's lock is held. */
final class ApicBus implements Stateful {
    private final LocalApic[] apics;
    private final IntConsumer endOfInterrupt;
    /** Where the search for the lowest priority starts, so that equals take turns. */
    private int turn;

    /** A bus of {@code apics} by id, null where there is none yet; {@code endOfInterrupt} gets the vectors of EOIs. */
    ApicBus(LocalApic[] apics, IntConsumer endOfInterrupt) {
        this.apics = apics;
        this.endOfInterrupt = endOfInterrupt;
    }

    /** Delivers to whom the destination names, or to one of them where the mode says so. */
    void send(ApicMessage m) {
        if (m.mode() == DeliveryMode.LOWEST_PRIORITY) {
            sendToLowest(m);
            return;
        }
        for (LocalApic a : apics) {
            if (a != null && a.matches(m)) {
                a.accept(m.mode(), m.vector(), m.level());
            }
        }
    }

    /** Delivers to all but {@code sender}: a destination shorthand. */
    void sendToOthers(ApicMessage m, LocalApic sender) {
        for (LocalApic a : apics) {
            if (a != null && a != sender && a.present()) {
                a.accept(m.mode(), m.vector(), m.level());
            }
        }
    }

    void endOfInterrupt(int vector) {
        endOfInterrupt.accept(vector);
    }

    @Override
    public void exchangeState(StateIo io) {
        turn = io.u8("turn", turn);
    }

    private void sendToLowest(ApicMessage m) {
        LocalApic best = null;
        for (int i = 0; i < apics.length; i++) {
            LocalApic a = apics[(turn + i) % apics.length];
            boolean candidate = a != null && a.softwareEnabled() && a.matches(m);
            if (candidate && (best == null || a.processorPriority() < best.processorPriority())) {
                best = a;
            }
        }
        if (best != null) {
            turn = (best.id() + 1) % apics.length;
            best.accept(DeliveryMode.FIXED, m.vector(), m.level());
        }
    }
}
