package org.jkvm.x86.translate;

import jdk.jfr.FlightRecorder;

/**
 * Events for Flight Recorder, once there is one: to load the class of an event takes the JVM 40 to 70 ms, which would come
 * before every guest's first instruction.
 */
final class Recorder {
    private Recorder() {
    }

    /** An exit that begins now, where exits are recorded; otherwise null. */
    static ExitEvent exit() {
        return FlightRecorder.isInitialized() ? ExitEvent.begun() : null;
    }

    /** A translation that begins now, where translations are recorded; otherwise null. */
    static TranslationEvent translation() {
        return FlightRecorder.isInitialized() ? TranslationEvent.begun() : null;
    }
}
