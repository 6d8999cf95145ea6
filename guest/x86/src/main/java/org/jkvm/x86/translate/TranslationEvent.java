package org.jkvm.x86.translate;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** For Flight Recorder: a block was translated. */
@Name("org.jkvm.Translation")
@Label("Translation")
@Category("jkvm")
@Description("A block of guest code was translated")
@Enabled(false)
@StackTrace(false)
final class TranslationEvent extends Event {
    @Label("Guest Address")
    long address;
    @Label("Instructions")
    int instructions;
    @Label("Host Code")
    @DataAmount
    int bytes;

    /** One that has begun, where such events are recorded; otherwise null. */
    static TranslationEvent begun() {
        TranslationEvent event = new TranslationEvent();
        event.begin();
        return event.isEnabled() ? event : null;
    }

    /** Fills it in and hands it over, where it is recorded. */
    void tell(Translation t) {
        end();
        if (shouldCommit()) {
            address = t.block.linear;
            instructions = t.block.insns.length;
            bytes = t.size;
            commit();
        }
    }
}
