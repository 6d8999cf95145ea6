package org.jkvm.x86.exec;

import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putLong;

import java.util.concurrent.ThreadLocalRandom;
import org.jkvm.x86.Msrs;
import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Feature;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;
import org.jkvm.x86.trap.ControlRegisters;

/** System instructions: control and debug registers, descriptor tables, MSRs, CPUID, system calls, HLT. */
public final class SystemOps {
    private static final int FLAT_CODE = 0xc09b;
    /** What SYSCALL makes of SS: a flat data segment at CPL 0. */
    public static final int FLAT_DATA = 0xc093;
    /** What SYSCALL makes of CS: 64-bit code at CPL 0. */
    public static final int LONG_CODE = 0xa09b;

    private SystemOps() {
    }

    // ---- control and debug registers ----

    /** MOV from CRn. */
    public static void movFromControl(X86Cpu c, Insn i) {
        ControlRegisters.requireExisting(c, i.src);
        c.requirePrivilege();
        c.setReg(i.dst, i.bits64 ? 8 : 4, ControlRegisters.read(c, i.src));
    }

    /** MOV to CRn. */
    public static void movToControl(X86Cpu c, Insn i) {
        ControlRegisters.requireExisting(c, i.dst);
        c.requirePrivilege();
        ControlRegisters.write(c, i.dst, c.reg(i.src, i.bits64 ? 8 : 4));
    }

    private static void requireDebugRegister(X86Cpu c, int number) {
        if (number > 7) {
            throw c.fault(Vector.UD); // REX.R: whatever the privilege level.
        }
    }

    /** MOV from DRn. */
    public static void movFromDebug(X86Cpu c, Insn i) {
        requireDebugRegister(c, i.src);
        c.requirePrivilege();
        c.setReg(i.dst, i.bits64 ? 8 : 4, c.debug.read(i.src));
    }

    /** MOV to DRn. */
    public static void movToDebug(X86Cpu c, Insn i) {
        requireDebugRegister(c, i.dst);
        c.requirePrivilege();
        c.debug.write(i.dst, c.reg(i.src, i.bits64 ? 8 : 4));
    }

    /** LMSW: the low four bits of CR0; PE can be set only. */
    public static void lmsw(X86Cpu c, Insn i) {
        c.requirePrivilege();
        long old = c.control(0);
        ControlRegisters.writeCr0(c, old & ~0xeL | c.dst(i) & 0xf);
    }

    /** SMSW. */
    public static void smsw(X86Cpu c, Insn i) {
        umip(c);
        if (i.dst >= 0) {
            c.setReg(i.dst, i.operandSize, c.control(0));
        } else {
            c.store(i, 2, c.control(0));
        }
    }

    /** CLTS. */
    public static void clts(X86Cpu c, Insn i) {
        c.requirePrivilege();
        c.storeControl(0, c.control(0) & ~Control.CR0_TS);
    }

    /** INVLPG. */
    public static void invlpg(X86Cpu c, Insn i) {
        c.requirePrivilege();
        long linear = c.effective(i) + (i.bits64 ? getLong(c.st + i.segmentBase) : c.segments.base(i.segment));
        c.mmu.flushPage(i.bits64 ? linear : linear & 0xffff_ffffL);
        c.leaveBlock = true;
    }

    /** WBINVD, INVD: caches are coherent here. */
    public static void wbinvd(X86Cpu c, Insn i) {
        c.requirePrivilege();
    }

    // ---- descriptor tables ----

    private static void umip(X86Cpu c) {
        if (c.cpl > 0 && (c.control(4) & Control.CR4_UMIP) != 0) {
            throw c.fault(Vector.GP, 0);
        }
    }

    private static void storeTable(X86Cpu c, Insn i, int table) {
        umip(c);
        int size = i.bits64 ? 8 : 4;
        long linear = c.linearWrite(i, size + 2);
        c.mmu.probeWrite(linear + 2, size);
        c.mmu.store(linear, 2, getLong(c.st + table + 8));
        c.mmu.store(linear + 2, size, getLong(c.st + table));
    }

    private static void loadTable(X86Cpu c, Insn i, int table) {
        c.requirePrivilege();
        int size = i.bits64 ? 8 : 4;
        long linear = c.linearRead(i, size + 2);
        long limit = c.mmu.load(linear, 2);
        long base = c.mmu.load(linear + 2, size);
        if (i.bits64 && base << 16 >> 16 != base) {
            throw c.fault(Vector.GP, 0);
        }
        putLong(c.st + table + 8, limit);
        putLong(c.st + table, i.operandSize == 2 && !i.bits64 ? base & 0xff_ffff : base);
    }

    /** SGDT. */
    public static void sgdt(X86Cpu c, Insn i) {
        storeTable(c, i, CpuState.GDTR);
    }

    /** SIDT. */
    public static void sidt(X86Cpu c, Insn i) {
        storeTable(c, i, CpuState.IDTR);
    }

    /** LGDT. */
    public static void lgdt(X86Cpu c, Insn i) {
        loadTable(c, i, CpuState.GDTR);
    }

    /** LIDT. */
    public static void lidt(X86Cpu c, Insn i) {
        loadTable(c, i, CpuState.IDTR);
    }

    private static void protectedOnly(X86Cpu c) {
        if (!c.protectedMode() || c.virtual8086()) {
            throw c.fault(Vector.UD);
        }
    }

    private static void storeSelector(X86Cpu c, Insn i, int segment) {
        protectedOnly(c);
        umip(c);
        long selector = c.segments.selector(segment);
        if (i.dst >= 0) {
            c.setReg(i.dst, i.operandSize, selector);
        } else {
            c.store(i, 2, selector);
        }
    }

    /** SLDT. */
    public static void sldt(X86Cpu c, Insn i) {
        storeSelector(c, i, Segment.LDTR);
    }

    /** STR. */
    public static void str(X86Cpu c, Insn i) {
        storeSelector(c, i, Segment.TR);
    }

    /** LLDT. */
    public static void lldt(X86Cpu c, Insn i) {
        protectedOnly(c);
        c.requirePrivilege();
        c.segments.loadLdt((int) c.dst(i) & 0xffff);
    }

    /** LTR. */
    public static void ltr(X86Cpu c, Insn i) {
        protectedOnly(c);
        c.requirePrivilege();
        c.segments.loadTask((int) c.dst(i) & 0xffff);
    }

    private static void verify(X86Cpu c, Insn i, boolean write) {
        protectedOnly(c);
        long[] d = c.segments.visible((int) c.dst(i) & 0xffff, false);
        int access = d == null ? 0 : (int) d[2];
        boolean data = (access & Segment.CODE_OR_DATA) != 0;
        boolean code = (access & Segment.CODE) != 0;
        boolean rw = (access & Segment.READ_WRITE) != 0;
        Wide.setZero(c, data && (write ? !code && rw : !code || rw));
    }

    /** VERR. */
    public static void verr(X86Cpu c, Insn i) {
        verify(c, i, false);
    }

    /** VERW. */
    public static void verw(X86Cpu c, Insn i) {
        verify(c, i, true);
    }

    /** LAR. */
    public static void lar(X86Cpu c, Insn i) {
        query(c, i, 0);
    }

    /** LSL. */
    public static void lsl(X86Cpu c, Insn i) {
        query(c, i, 1);
    }

    private static void query(X86Cpu c, Insn i, int which) {
        protectedOnly(c);
        long[] d = c.segments.visible((int) c.src(i) & 0xffff, which == 1);
        if (d != null) {
            c.setReg(i.dst, i.dstSize, d[which]);
        }
        Wide.setZero(c, d != null);
    }

    /** ARPL. */
    public static void arpl(X86Cpu c, Insn i) {
        protectedOnly(c);
        long rpl = c.src(i) & 3;
        Alu.update(c, i, rpl, (cpu, size, a, b) -> {
            Wide.setZero(cpu, (a & 3) < b);
            return (a & 3) < b ? a & ~3L | b : a;
        });
    }

    // ---- MSRs, CPUID, counters ----

    /** RDMSR. */
    public static void rdmsr(X86Cpu c, Insn i) {
        c.requirePrivilege();
        setPair(c, c.msrs.read((int) c.general(1)));
    }

    /** WRMSR. */
    public static void wrmsr(X86Cpu c, Insn i) {
        c.requirePrivilege();
        c.msrs.write((int) c.general(1), c.general(2) << 32 | c.general(0) & 0xffff_ffffL);
        c.leaveBlock = true;
    }

    private static void setPair(X86Cpu c, long value) {
        c.setGeneral(0, value & 0xffff_ffffL);
        c.setGeneral(2, value >>> 32);
    }

    /** CPUID. */
    public static void cpuid(X86Cpu c, Insn i) {
        int[] r = c.cpuid.query((int) c.general(0), (int) c.general(1), c.control(4), c.msrs.xcr0());
        c.setGeneral(0, r[0] & 0xffff_ffffL);
        c.setGeneral(3, r[1] & 0xffff_ffffL);
        c.setGeneral(1, r[2] & 0xffff_ffffL);
        c.setGeneral(2, r[3] & 0xffff_ffffL);
    }

    private static void timeStampAllowed(X86Cpu c) {
        if (c.cpl > 0 && (c.control(4) & Control.CR4_TSD) != 0) {
            throw c.fault(Vector.GP, 0);
        }
    }

    /** RDTSC. */
    public static void rdtsc(X86Cpu c, Insn i) {
        timeStampAllowed(c);
        setPair(c, c.msrs.timeStampCounter());
    }

    /** RDTSCP. */
    public static void rdtscp(X86Cpu c, Insn i) {
        rdtsc(c, i);
        c.setGeneral(1, c.msrs.get(Msrs.TSC_AUX) & 0xffff_ffffL);
    }

    /** RDPID. */
    public static void rdpid(X86Cpu c, Insn i) {
        c.setReg(i.dst, i.bits64 ? 8 : 4, c.msrs.get(Msrs.TSC_AUX));
    }

    /** RDPMC: there are no counters, so every index is wrong. */
    public static void rdpmc(X86Cpu c, Insn i) {
        throw c.fault(Vector.GP, 0);
    }

    /** RDRAND, RDSEED: always successful. */
    public static void rdrand(X86Cpu c, Insn i) {
        c.setReg(i.dst, i.dstSize, ThreadLocalRandom.current().nextLong());
        c.setArithmeticFlags(Rflags.CF);
    }

    /** XGETBV: XCR0, or what of it is in use. */
    public static void xgetbv(X86Cpu c, Insn i) {
        requireXsave(c);
        int number = (int) c.general(1);
        if (number != 0 && (number != 1 || !c.cpuid.has(Feature.XGETBV1))) {
            throw c.fault(Vector.GP, 0);
        }
        setPair(c, number == 0 ? c.msrs.xcr0() : c.msrs.xcr0() & Xsave.xinuse(c));
    }

    /** XSETBV: x87 must stay; AVX needs SSE; only what CPUID leaf 0Dh offers. */
    public static void xsetbv(X86Cpu c, Insn i) {
        requireXsave(c);
        c.requirePrivilege();
        long value = c.general(2) << 32 | c.general(0) & 0xffff_ffffL;
        long offered = c.cpuid.query(0xd, 0, 0, 0)[0] & 0xffff_ffffL;
        if ((int) c.general(1) != 0 || (value & 1) == 0 || (value & ~offered) != 0 || (value & 6) == 4) {
            throw c.fault(Vector.GP, 0);
        }
        c.msrs.setXcr0(value);
    }

    private static void requireXsave(X86Cpu c) {
        if ((c.control(4) & Control.CR4_OSXSAVE) == 0) {
            throw c.fault(Vector.UD);
        }
    }

    private static void requireFsGsBase(X86Cpu c) {
        if ((c.control(4) & Control.CR4_FSGSBASE) == 0) {
            throw c.fault(Vector.UD);
        }
    }

    /** RDFSBASE, RDGSBASE: ModRM.reg 0 and 1. */
    public static void rdBase(X86Cpu c, Insn i) {
        requireFsGsBase(c);
        c.setReg(i.dst, i.operandSize, c.segments.base(Segment.FS + i.reg()));
    }

    /** WRFSBASE, WRGSBASE: ModRM.reg 2 and 3. */
    public static void wrBase(X86Cpu c, Insn i) {
        requireFsGsBase(c);
        long base = c.reg(i.dst, i.operandSize);
        if (base << 16 >> 16 != base) {
            throw c.fault(Vector.GP, 0);
        }
        c.segments.setBase(Segment.FS + i.reg() - 2, base);
    }

    /** SWAPGS. */
    public static void swapgs(X86Cpu c, Insn i) {
        c.requirePrivilege();
        long base = c.segments.base(Segment.GS);
        c.segments.setBase(Segment.GS, c.msrs.get(Msrs.KERNEL_GS_BASE));
        c.msrs.set(Msrs.KERNEL_GS_BASE, base);
    }

    // ---- interrupts, waiting ----

    private static boolean mayTouchIf(X86Cpu c) {
        int iopl = (int) (c.systemFlags() & Rflags.IOPL) >> Rflags.IOPL_SHIFT;
        return !c.protectedMode() || c.cpl <= iopl && (!c.virtual8086() || iopl == 3);
    }

    /** CLI. */
    public static void cli(X86Cpu c, Insn i) {
        if (!mayTouchIf(c)) {
            throw c.fault(Vector.GP, 0);
        }
        c.setFlag(Rflags.IF, false);
        c.leaveBlock = true;
    }

    /** STI: interrupts come after the next instruction, if they were off. */
    public static void sti(X86Cpu c, Insn i) {
        if (!mayTouchIf(c)) {
            throw c.fault(Vector.GP, 0);
        }
        if (!c.flag(Rflags.IF)) {
            c.setFlag(Rflags.IF, true);
            c.interruptShadow = true;
            c.leaveBlock = true;
        }
    }

    /** HLT. */
    public static void hlt(X86Cpu c, Insn i) {
        c.requirePrivilege();
        c.halted = true;
        c.leaveBlock = true;
    }

    /** STAC, CLAC: ModRM CBh and CAh. */
    public static void setAc(X86Cpu c, Insn i) {
        if (c.cpl != 0) {
            throw c.fault(Vector.UD);
        }
        c.setFlag(Rflags.AC, (i.modrm & 1) != 0);
        c.mmu.selectTlb();
    }

    // ---- system calls ----

    /** SYSCALL (SDM vol. 2B; AMD APM vol. 3). */
    public static void syscall(X86Cpu c, Insn i) {
        if ((c.msrs.efer() & Control.EFER_SCE) == 0) {
            throw c.fault(Vector.UD);
        }
        long star = c.msrs.get(Msrs.STAR);
        int selector = (int) (star >>> 32) & 0xfffc;
        long flags = c.rflags() & ~Rflags.RF;
        boolean from64 = c.codeBits == 64;
        c.setGeneral(1, c.longMode() ? c.rip : c.rip & 0xffff_ffffL);
        if (c.longMode()) {
            c.setGeneral(11, flags);
            c.rip = c.msrs.get(from64 ? Msrs.LSTAR : Msrs.CSTAR);
            c.setRflags(flags & ~c.msrs.get(Msrs.FMASK));
        } else {
            c.rip = star & 0xffff_ffffL;
            c.setRflags(flags & ~(Rflags.IF | Rflags.VM));
        }
        c.segments.set(Segment.CS, selector, 0, -1, c.longMode() ? LONG_CODE : FLAT_CODE);
        c.segments.set(Segment.SS, selector + 8, 0, -1, FLAT_DATA);
        c.segments.setCpl(0);
        c.leaveBlock = true;
    }

    /** SYSRET. */
    public static void sysret(X86Cpu c, Insn i) {
        if ((c.msrs.efer() & Control.EFER_SCE) == 0) {
            throw c.fault(Vector.UD);
        }
        c.requirePrivilege();
        if (!c.protectedMode()) {
            throw c.fault(Vector.GP, 0);
        }
        boolean to64 = c.longMode() && i.operandSize == 8;
        int base = (int) (c.msrs.get(Msrs.STAR) >>> 48) & 0xfffc;
        long target = to64 ? c.general(1) : c.general(1) & 0xffff_ffffL;
        if (target << 16 >> 16 != target) {
            throw c.fault(Vector.GP, 0);
        }
        if (c.longMode()) {
            c.setRflags(c.general(11) & ~(Rflags.RF | Rflags.VM));
        } else {
            c.setRflags(c.rflags() | Rflags.IF);
        }
        enterUser(c, (to64 ? base + 16 : base) | 3, base + 8 | 3, to64);
        c.rip = target;
    }

    private static void enterUser(X86Cpu c, int cs, int ss, boolean to64) {
        c.segments.setCpl(3);
        c.segments.set(Segment.CS, cs, 0, -1, (to64 ? LONG_CODE : FLAT_CODE) | 3 << Segment.DPL_SHIFT);
        c.segments.set(Segment.SS, ss, 0, -1, FLAT_DATA | 3 << Segment.DPL_SHIFT);
        c.leaveBlock = true;
    }

    /** SYSENTER. */
    public static void sysenter(X86Cpu c, Insn i) {
        int selector = (int) c.msrs.get(Msrs.SYSENTER_CS) & 0xfffc;
        if (!c.protectedMode() || selector == 0) {
            throw c.fault(Vector.GP, 0);
        }
        c.setRflags(c.rflags() & ~(Rflags.VM | Rflags.IF | Rflags.RF));
        c.segments.set(Segment.CS, selector, 0, -1, c.longMode() ? LONG_CODE : FLAT_CODE);
        c.segments.set(Segment.SS, selector + 8, 0, -1, FLAT_DATA);
        c.segments.setCpl(0);
        long mask = c.longMode() ? -1L : 0xffff_ffffL;
        c.setGeneral(4, c.msrs.get(Msrs.SYSENTER_ESP) & mask);
        c.rip = c.msrs.get(Msrs.SYSENTER_EIP) & mask;
        c.leaveBlock = true;
    }

    /** SYSEXIT. */
    public static void sysexit(X86Cpu c, Insn i) {
        int selector = (int) c.msrs.get(Msrs.SYSENTER_CS) & 0xfffc;
        if (!c.protectedMode() || selector == 0) {
            throw c.fault(Vector.GP, 0);
        }
        c.requirePrivilege();
        boolean to64 = c.longMode() && i.operandSize == 8;
        long mask = to64 ? -1L : 0xffff_ffffL;
        long target = c.general(2) & mask;
        c.setGeneral(4, c.general(1) & mask);
        enterUser(c, selector + (to64 ? 32 : 16) | 3, selector + (to64 ? 40 : 24) | 3, to64);
        c.rip = target;
    }
}
