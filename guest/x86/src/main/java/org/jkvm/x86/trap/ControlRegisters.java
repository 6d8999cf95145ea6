package org.jkvm.x86.trap;

import static org.jkvm.x86.state.Control.CR0_ALL;
import static org.jkvm.x86.state.Control.CR0_CD;
import static org.jkvm.x86.state.Control.CR0_ET;
import static org.jkvm.x86.state.Control.CR0_NW;
import static org.jkvm.x86.state.Control.CR0_PE;
import static org.jkvm.x86.state.Control.CR0_PG;
import static org.jkvm.x86.state.Control.CR0_WP;
import static org.jkvm.x86.state.Control.CR4_PAE;
import static org.jkvm.x86.state.Control.CR4_PCIDE;
import static org.jkvm.x86.state.Control.CR4_PGE;
import static org.jkvm.x86.state.Control.CR4_PSE;
import static org.jkvm.x86.state.Control.CR4_SMAP;
import static org.jkvm.x86.state.Control.CR4_SMEP;
import static org.jkvm.x86.state.Control.EFER_LMA;
import static org.jkvm.x86.state.Control.EFER_LME;

import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.mmu.PageWalker;
import org.jkvm.x86.state.Segment;

/** Writes of control registers with all that follows from them (SDM vol. 3A, section 2.5). */
public final class ControlRegisters {
    private static final long PAGING = CR0_PG | CR0_WP | CR0_PE;
    private static final long TRANSLATION = CR4_PAE | CR4_PGE | CR4_PSE | CR4_PCIDE | CR4_SMAP | CR4_SMEP;
    private static final long NO_FLUSH = 1L << 63;

    private ControlRegisters() {
    }

    /** Writes CR {@code number}: 0, 2, 3, 4 or 8. */
    public static void write(X86Cpu cpu, int number, long value) {
        switch (number) {
            case 0 -> writeCr0(cpu, value);
            case 2 -> cpu.storeControl(2, value);
            case 3 -> writeCr3(cpu, value);
            case 4 -> writeCr4(cpu, value);
            case 8 -> writeCr8(cpu, value);
            default -> throw cpu.fault(Vector.UD);
        }
    }

    /** Throws #UD where there is no CR {@code number}, whatever the privilege level. */
    public static void requireExisting(X86Cpu cpu, int number) {
        if (number > 4 && number != 8 || number == 1) {
            throw cpu.fault(Vector.UD);
        }
    }

    /** Reads CR {@code number}. */
    public static long read(X86Cpu cpu, int number) {
        return switch (number) {
            case 0, 2, 3, 4 -> cpu.control(number);
            case 8 -> cpu.bus.taskPriority();
            default -> throw cpu.fault(Vector.UD);
        };
    }

    /** Writes CR0; enters and leaves long mode where EFER.LME is set (SDM vol. 3A, section 9.8.5). */
    public static void writeCr0(X86Cpu cpu, long value) {
        long old = cpu.control(0);
        long next = value & CR0_ALL | CR0_ET;
        boolean bad = value >>> 32 != 0 || (next & (CR0_PG | CR0_PE)) == CR0_PG || (next & (CR0_NW | CR0_CD)) == CR0_NW
                || (next & CR0_PG) == 0 && (cpu.control(4) & CR4_PCIDE) != 0;
        if (bad) {
            throw cpu.fault(Vector.GP, 0);
        }
        if (((old ^ next) & CR0_PG) != 0) {
            switchPaging(cpu, (next & CR0_PG) != 0);
        }
        cpu.storeControl(0, next);
        if (((old ^ next) & PAGING) != 0) {
            cpu.mmu.flushAll();
        }
        cpu.mmu.selectTlb();
        cpu.segments.updateWidths();
    }

    private static void switchPaging(X86Cpu cpu, boolean on) {
        long efer = cpu.msrs.efer();
        boolean pae = (cpu.control(4) & CR4_PAE) != 0;
        if (on && (efer & EFER_LME) != 0) {
            if (!pae || (cpu.segments.access(Segment.CS) & Segment.LONG) != 0) {
                throw cpu.fault(Vector.GP, 0);
            }
            cpu.msrs.storeEfer(efer | EFER_LMA);
        } else if (on && pae) {
            cpu.mmu.walker().loadPdptes(cpu.control(3));
        } else if (!on && (efer & EFER_LMA) != 0) {
            if (cpu.codeBits == 64) {
                throw cpu.fault(Vector.GP, 0);
            }
            cpu.msrs.storeEfer(efer & ~EFER_LMA);
        }
    }

    /** Writes CR3: drops translations but global ones. Without PCID, as CPUID says. */
    public static void writeCr3(X86Cpu cpu, long value) {
        long next = value & ~NO_FLUSH;
        if (cpu.longMode() && next >>> PageWalker.PHYSICAL_BITS != 0) {
            throw cpu.fault(Vector.GP, 0);
        }
        boolean paePaging = (cpu.control(0) & CR0_PG) != 0 && (cpu.control(4) & CR4_PAE) != 0 && !cpu.longMode();
        if (paePaging) {
            cpu.mmu.walker().loadPdptes(next);
        }
        cpu.storeControl(3, next);
        cpu.mmu.flushNonGlobal();
        cpu.leaveBlock = true;
    }

    /** Writes CR4; bits of features that CPUID lacks are reserved. */
    public static void writeCr4(X86Cpu cpu, long value) {
        long old = cpu.control(4);
        boolean leavesPae = cpu.longMode() && (value & CR4_PAE) == 0;
        boolean badPcid = (value & ~old & CR4_PCIDE) != 0 && (!cpu.longMode() || (cpu.control(3) & 0xfff) != 0);
        if ((value & ~cpu.cpuid.allowedCr4()) != 0 || leavesPae || badPcid) {
            throw cpu.fault(Vector.GP, 0);
        }
        boolean paeBegins = ((old ^ value) & (CR4_PAE | CR4_PGE | CR4_PSE)) != 0 && (value & CR4_PAE) != 0;
        if (paeBegins && (cpu.control(0) & CR0_PG) != 0 && !cpu.longMode()) {
            cpu.mmu.walker().loadPdptes(cpu.control(3));
        }
        cpu.storeControl(4, value);
        if (((old ^ value) & TRANSLATION) != 0) {
            cpu.mmu.flushAll();
        }
        cpu.mmu.selectTlb();
        cpu.leaveBlock = true;
    }

    private static void writeCr8(X86Cpu cpu, long value) {
        if ((value & ~15L) != 0) {
            throw cpu.fault(Vector.GP, 0);
        }
        cpu.bus.setTaskPriority((int) value);
        cpu.leaveBlock = true;
    }
}
