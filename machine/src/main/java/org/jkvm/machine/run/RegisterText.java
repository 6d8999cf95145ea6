package org.jkvm.machine.run;

import java.util.Locale;
import java.util.Map;
import org.jkvm.hypervisor.x86.X86State;

/** A processor's registers as text, for {@code info registers}, triple faults and dumps. */
public final class RegisterText {
    private RegisterText() {
    }

    /** Several lines, each ending with a line feed. */
    public static String of(X86State s) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < s.general.length; i++) {
            text.append(String.format("%-3s=%016x%s", X86State.GENERAL[i].toUpperCase(Locale.ROOT), s.general[i],
                    i % 4 == 3 ? "\n" : " "));
        }
        text.append(String.format("RIP=%016x RFL=%08x %s%s%n", s.rip, s.rflags, s.activity,
                s.interruptShadow ? " interrupt shadow" : ""));
        for (int i = 0; i < s.segments.length; i++) {
            X86State.Segment g = s.segments[i];
            text.append(String.format("%-4s=%04x %016x %08x %05x%n", X86State.SEGMENTS[i].toUpperCase(Locale.ROOT),
                    g.selector(), g.base(), g.limit(), g.access()));
        }
        text.append(String.format("GDT = %016x %08x%nIDT = %016x %08x%n", s.gdtBase, s.gdtLimit, s.idtBase, s.idtLimit));
        text.append(String.format("CR0=%08x CR2=%016x CR3=%016x CR4=%08x CR8=%x%n", s.cr0, s.cr2, s.cr3, s.cr4, s.cr8));
        text.append(String.format("DR0=%016x DR1=%016x DR2=%016x DR3=%016x DR6=%08x DR7=%08x%n", s.debug[0], s.debug[1],
                s.debug[2], s.debug[3], s.debug[4], s.debug[5]));
        for (Map.Entry<Integer, Long> msr : s.msrs.entrySet()) {
            text.append(String.format("MSR %08x=%016x%n", msr.getKey(), msr.getValue()));
        }
        return text.toString();
    }
}
