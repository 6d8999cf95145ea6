package org.jkvm.x86.isa;

import static org.jkvm.x86.isa.Row.Mode.F64;
import static org.jkvm.x86.isa.Row.Mode.I64;
import static org.jkvm.x86.isa.Row.Mode.O64;

import org.jkvm.x86.exec.Invpcid;
import org.jkvm.x86.exec.Moves;
import org.jkvm.x86.exec.Ports;
import org.jkvm.x86.exec.Strings;
import org.jkvm.x86.exec.SystemOps;

/** Rows of system and I/O instructions (SDM vol. 2D, tables, groups 6, 7, 9 and 15). */
final class SystemRows {
    private SystemRows() {
    }

    static void declare(OpcodeTable t) {
        ports(t);
        group6And7(t);
        registers(t);
        calls(t);
        waiting(t);
        misc(t);
    }

    private static void ports(OpcodeTable t) {
        t.row("E4", "IN", "AL,Ib", Ports::in).endsBlock();
        t.row("E5", "IN", "eAX,Ib", Ports::in).endsBlock();
        t.row("EC", "IN", "AL,DX", Ports::in).endsBlock();
        t.row("ED", "IN", "eAX,DX", Ports::in).endsBlock();
        t.row("E6", "OUT", "Ib,AL", Ports::out).endsBlock();
        t.row("E7", "OUT", "Ib,eAX", Ports::out).endsBlock();
        t.row("EE", "OUT", "DX,AL", Ports::out).endsBlock();
        t.row("EF", "OUT", "DX,eAX", Ports::out).endsBlock();
        t.row("6C", "INS", "Yb,DX", Strings::ins).reads("d").endsBlock();
        t.row("6D", "INS", "Yz,DX", Strings::ins).reads("d").endsBlock();
        t.row("6E", "OUTS", "DX,Xb", Strings::outs).reads("d").endsBlock();
        t.row("6F", "OUTS", "DX,Xz", Strings::outs).reads("d").endsBlock();
    }

    private static void group6And7(OpcodeTable t) {
        t.row("0F 00 /0", "SLDT", "Ev", SystemOps::sldt);
        t.row("0F 00 /1", "STR", "Ev", SystemOps::str);
        t.row("0F 00 /2", "LLDT", "Ew", SystemOps::lldt).privileged();
        t.row("0F 00 /3", "LTR", "Ew", SystemOps::ltr).privileged();
        t.row("0F 00 /4", "VERR", "Ew", SystemOps::verr).writes("z");
        t.row("0F 00 /5", "VERW", "Ew", SystemOps::verw).writes("z");
        t.row("0F 01 /0 mem", "SGDT", "M", SystemOps::sgdt);
        t.row("0F 01 /1 mem", "SIDT", "M", SystemOps::sidt);
        t.row("0F 01 /2 mem", "LGDT", "M", SystemOps::lgdt).privileged();
        t.row("0F 01 /3 mem", "LIDT", "M", SystemOps::lidt).privileged();
        t.row("0F 01 /4", "SMSW", "Ev", SystemOps::smsw);
        t.row("0F 01 /6", "LMSW", "Ew", SystemOps::lmsw).privileged().endsBlock();
        t.row("0F 01 /7 mem", "INVLPG", "M", SystemOps::invlpg).privileged().endsBlock();
        t.row("66 0F 38 82 mem", "INVPCID", "Gv,Mdq", Invpcid::invpcid).in(F64).needs(Feature.INVPCID).privileged()
                .endsBlock();
        t.row("NP 0F 01 =CA", "CLAC", "", SystemOps::setAc).needs(Feature.SMAP).privileged().endsBlock();
        t.row("NP 0F 01 =CB", "STAC", "", SystemOps::setAc).needs(Feature.SMAP).privileged().endsBlock();
        t.row("NP 0F 01 =D0", "XGETBV", "", SystemOps::xgetbv).needs(Feature.XSAVE);
        t.row("NP 0F 01 =D1", "XSETBV", "", SystemOps::xsetbv).needs(Feature.XSAVE).privileged().endsBlock();
        t.row("0F 01 =F8", "SWAPGS", "", SystemOps::swapgs).in(O64).privileged();
        t.row("0F 01 =F9", "RDTSCP", "", SystemOps::rdtscp).needs(Feature.RDTSCP).endsBlock();
        t.row("0F 02", "LAR", "Gv,Ew", SystemOps::lar).writes("z");
        t.row("0F 03", "LSL", "Gv,Ew", SystemOps::lsl).writes("z");
        t.row("63", "ARPL", "Ew,Gw", SystemOps::arpl).writes("z").in(I64);
    }

    private static void registers(OpcodeTable t) {
        t.row("0F 20", "MOV", "Rv,Cv", SystemOps::movFromControl).in(F64).privileged();
        t.row("0F 21", "MOV", "Rv,Dv", SystemOps::movFromDebug).in(F64).privileged();
        t.row("0F 22", "MOV", "Cv,Rv", SystemOps::movToControl).in(F64).privileged().endsBlock();
        t.row("0F 23", "MOV", "Dv,Rv", SystemOps::movToDebug).in(F64).privileged().endsBlock();
        t.row("0F 06", "CLTS", "", SystemOps::clts).privileged().endsBlock();
        t.row("0F 30", "WRMSR", "", SystemOps::wrmsr).privileged().endsBlock();
        t.row("0F 32", "RDMSR", "", SystemOps::rdmsr).privileged().endsBlock();
        t.row("0F 31", "RDTSC", "", SystemOps::rdtsc).needs(Feature.TSC).endsBlock();
        t.row("0F 33", "RDPMC", "", SystemOps::rdpmc).privileged().endsBlock();
        t.row("0F A2", "CPUID", "", SystemOps::cpuid).endsBlock();
        t.row("F3 0F AE /0 reg", "RDFSBASE", "Ry", SystemOps::rdBase).needs(Feature.FSGSBASE).in(O64);
        t.row("F3 0F AE /1 reg", "RDGSBASE", "Ry", SystemOps::rdBase).needs(Feature.FSGSBASE).in(O64);
        t.row("F3 0F AE /2 reg", "WRFSBASE", "Ry", SystemOps::wrBase).needs(Feature.FSGSBASE).in(O64);
        t.row("F3 0F AE /3 reg", "WRGSBASE", "Ry", SystemOps::wrBase).needs(Feature.FSGSBASE).in(O64);
        t.row("F3 0F C7 /7 reg", "RDPID", "Rv", SystemOps::rdpid).needs(Feature.RDPID).in(F64);
    }

    private static void calls(OpcodeTable t) {
        t.row("0F 05", "SYSCALL", "", SystemOps::syscall).needs(Feature.SYSCALL).endsBlock();
        t.row("0F 07", "SYSRET", "", SystemOps::sysret).needs(Feature.SYSCALL).privileged().endsBlock();
        t.row("0F 34", "SYSENTER", "", SystemOps::sysenter).needs(Feature.SEP).endsBlock();
        t.row("0F 35", "SYSEXIT", "", SystemOps::sysexit).needs(Feature.SEP).privileged().endsBlock();
    }

    private static void waiting(OpcodeTable t) {
        t.row("FA", "CLI", "", SystemOps::cli).endsBlock();
        t.row("FB", "STI", "", SystemOps::sti);
        t.row("F4", "HLT", "", SystemOps::hlt).privileged().endsBlock();
        t.row("0F 08", "INVD", "", SystemOps::wbinvd).privileged();
        t.row("0F 09", "WBINVD", "", SystemOps::wbinvd).privileged();
    }

    private static void misc(OpcodeTable t) {
        t.row("0F C7 /6 reg", "RDRAND", "Rv", SystemOps::rdrand).writes("oszapc").needs(Feature.RDRAND);
        t.row("0F C7 /7 reg", "RDSEED", "Rv", SystemOps::rdrand).writes("oszapc").needs(Feature.RDSEED);
        t.row("NP 0F AE /5 reg", "LFENCE", "", Moves::lfence).needs(Feature.SSE2);
        t.row("NP 0F AE /6 reg", "MFENCE", "", Moves::mfence).needs(Feature.SSE2);
        t.row("NP 0F AE /7 reg", "SFENCE", "", Moves::sfence).needs(Feature.SSE);
        t.row("NP 0F AE /7 mem", "CLFLUSH", "Mb", Moves::flush).needs(Feature.CLFSH);
        t.row("66 0F AE /7 mem", "CLFLUSHOPT", "Mb", Moves::flush).needs(Feature.CLFLUSHOPT);
        t.row("66 0F AE /6 mem", "CLWB", "Mb", Moves::flush).needs(Feature.CLWB);
    }
}
