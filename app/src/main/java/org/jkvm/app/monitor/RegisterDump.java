package org.jkvm.app.monitor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Locale;
import org.jkvm.hypervisor.x86.X86State;

/** A vCPU's registers as text, for {@code info registers} and for the dump after a triple fault. */
public final class RegisterDump {
    private static final int EFER = 0xc0000080;
    /** Order in which the general registers are shown, four a line. */
    private static final int[] ORDER = {0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15};
    private static final String FLAGS = "ODITSZ-A-P-C";
    /** Offsets in the legacy region of an XSAVE area (SDM vol. 1, table 10-2). */
    private static final int MXCSR = 24;
    private static final int ST0 = 32;
    private static final int XMM0 = 160;

    private RegisterDump() {
    }

    /** The dump, lines ending in "\n". */
    public static String text(int vcpu, X86State state) {
        StringBuilder text = new StringBuilder("\nCPU#").append(vcpu).append('\n');
        boolean wide = MemoryView.bits(state) == 64;
        general(text, state, wide);
        segments(text, state, wide);
        control(text, state, wide);
        floating(text, state, wide);
        return text.toString();
    }

    private static void general(StringBuilder text, X86State state, boolean wide) {
        for (int i = 0; i < (wide ? 16 : 8); i++) {
            String name = X86State.GENERAL[ORDER[i]].toUpperCase(Locale.ROOT);
            text.append(wide ? "%-3s".formatted(name) : "E" + name.substring(1)).append('=')
                    .append(hex(state.general[ORDER[i]], wide)).append(i % 4 == 3 ? "\n" : " ");
        }
        text.append(wide ? "RIP=" : "EIP=").append(hex(state.rip, wide)).append(wide ? " RFL=" : " EFL=")
                .append(MemoryFormat.hex(state.rflags, 8)).append(" [").append(flags(state.rflags)).append("] CPL=")
                .append(state.segments[2].access() >> 5 & 3).append(" II=").append(state.interruptShadow ? 1 : 0)
                .append(" HLT=").append(state.activity == X86State.Activity.HALTED ? 1 : 0).append('\n');
    }

    /** OF DF IF TF SF ZF AF PF CF, a dash where clear. */
    private static String flags(long rflags) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < FLAGS.length(); i++) {
            int bit = 11 - i;
            if (FLAGS.charAt(i) != '-' && bit != 9 && bit != 8) {
                text.append((rflags >> bit & 1) != 0 ? FLAGS.charAt(i) : '-');
            }
        }
        return text.toString();
    }

    private static void segments(StringBuilder text, X86State state, boolean wide) {
        for (int i = 0; i < X86State.SEGMENTS.length; i++) {
            X86State.Segment s = state.segments[i];
            String name = i == X86State.LDTR ? "LDT" : X86State.SEGMENTS[i].toUpperCase(Locale.ROOT);
            text.append("%-3s=%04x %s %08x %08x\n".formatted(name, s.selector(), hex(s.base(), wide), s.limit(),
                    s.access() << 8));
        }
        text.append("GDT=     %s %08x\n".formatted(hex(state.gdtBase, wide), state.gdtLimit));
        text.append("IDT=     %s %08x\n".formatted(hex(state.idtBase, wide), state.idtLimit));
    }

    private static void control(StringBuilder text, X86State state, boolean wide) {
        text.append("CR0=%08x CR2=%s CR3=%s CR4=%08x\n".formatted(state.cr0, hex(state.cr2, wide), hex(state.cr3, wide),
                state.cr4));
        text.append("DR0=%016x DR1=%016x DR2=%016x DR3=%016x\nDR6=%016x DR7=%016x\n".formatted(state.debug[0],
                state.debug[1], state.debug[2], state.debug[3], state.debug[4], state.debug[5]));
        text.append("EFER=%016x\n".formatted(state.msrs.getOrDefault(EFER, 0L)));
    }

    private static void floating(StringBuilder text, X86State state, boolean wide) {
        ByteBuffer area = ByteBuffer.wrap(state.xsave).order(ByteOrder.LITTLE_ENDIAN);
        text.append("FCW=%04x FSW=%04x [ST=%d] FTW=%02x MXCSR=%08x\n".formatted(area.getShort(0), area.getShort(2),
                area.getShort(2) >> 11 & 7, area.get(4), area.getInt(MXCSR)));
        for (int i = 0; i < 8; i++) {
            text.append("FPR%d=%016x %04x%s".formatted(i, area.getLong(ST0 + 16 * i), area.getShort(ST0 + 16 * i + 8),
                    i % 2 == 1 ? "\n" : " "));
        }
        for (int i = 0; i < (wide ? 16 : 8); i++) {
            text.append("XMM%02d=%016x %016x%s".formatted(i, area.getLong(XMM0 + 16 * i + 8), area.getLong(XMM0 + 16 * i),
                    i % 2 == 1 ? "\n" : " "));
        }
    }

    private static String hex(long value, boolean wide) {
        return MemoryFormat.hex(value, wide ? 16 : 8);
    }
}
