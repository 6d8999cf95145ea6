package org.jkvm.x86.translate;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jkvm.x86.isa.Insn;

/** For Flight Recorder: generated code came back. Its duration is how long it ran. */
@Name("org.jkvm.Exit")
@Label("Exit from Guest Mode")
@Category("jkvm")
@Description("Generated code left to the engine")
@Enabled(false)
@StackTrace(false)
final class ExitEvent extends Event {
    @Label("Reason")
    String reason;
    @Label("Guest Address of the Block")
    @Description("0 where an indirect branch left, which does not say")
    long address;
    @Label("Instruction")
    @Description("What the interpreter has to execute")
    String instruction;

    /** One that has begun, where such events are recorded; otherwise null. */
    static ExitEvent begun() {
        ExitEvent event = new ExitEvent();
        event.begin();
        return event.isEnabled() ? event : null;
    }

    /** Fills it in and hands it over, where it is recorded. */
    void tell(int exit, Translation left) {
        end();
        if (shouldCommit()) {
            ExitReason why = ExitReason.of(exit);
            reason = why.name();
            address = left == null ? 0 : left.block.linear;
            instruction = why == ExitReason.STEP ? name(left.block.insns[ExitReason.number(exit)]) : "";
            commit();
        }
    }

    private static String name(Insn i) {
        return i.row == null ? "undefined" : i.row.mnemonic();
    }
}
