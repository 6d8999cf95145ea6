package org.jkvm.x86.isa;

import org.jkvm.x86.exec.ExtendedState;
import org.jkvm.x86.exec.Xsave;

/** Rows of the instructions that save and restore x87, SSE and AVX state (SDM vol. 2D, table A-6, groups 9 and 15). */
final class StateRows {
    private StateRows() {
    }

    static void declare(OpcodeTable t) {
        t.row("NP 0F AE /0 mem", "FXSAVE", "M", ExtendedState::fxsave).needs(Feature.FXSR);
        t.row("NP 0F AE /1 mem", "FXRSTOR", "M", ExtendedState::fxrstor).needs(Feature.FXSR);
        t.row("NP 0F AE /2 mem", "LDMXCSR", "Md", ExtendedState::ldmxcsr).needs(Feature.SSE);
        t.row("NP 0F AE /3 mem", "STMXCSR", "Md", ExtendedState::stmxcsr).needs(Feature.SSE);
        t.row("NP 0F AE /4 mem", "XSAVE", "M", Xsave::xsave).needs(Feature.XSAVE);
        t.row("NP 0F AE /5 mem", "XRSTOR", "M", Xsave::xrstor).needs(Feature.XSAVE);
        t.row("NP 0F AE /6 mem", "XSAVEOPT", "M", Xsave::xsaveopt).needs(Feature.XSAVEOPT);
        t.row("NP 0F C7 /3 mem", "XRSTORS", "M", Xsave::xrstors).needs(Feature.XSAVES).privileged();
        t.row("NP 0F C7 /4 mem", "XSAVEC", "M", Xsave::xsavec).needs(Feature.XSAVEC);
        t.row("NP 0F C7 /5 mem", "XSAVES", "M", Xsave::xsaves).needs(Feature.XSAVES).privileged();
    }
}
