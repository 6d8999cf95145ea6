package org.jkvm.x86.exec.x87;

import static org.jkvm.linux.RawMemory.getLong;

import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.fp.Arithmetic;
import org.jkvm.x86.fp.FpOrder;
import org.jkvm.x86.isa.Handler;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;

/**
 * Handlers of the x87 instructions that compute and move: around what {@link X87Unit} does, the check for pending errors,
 * the memory operand and the pointers to the last instruction (SDM vol. 1, 8.1.8). ST(i) is ModRM.rm.
 */
public final class X87Ops {
    /** What an instruction without memory operand does. */
    @FunctionalInterface
    public interface Work {
        /** Executes on the unit. */
        void run(X87Unit unit, Insn i);
    }

    /** What an instruction does with the memory operand it has read. */
    @FunctionalInterface
    public interface Load {
        /** Executes on the unit; {@code value} is zero-extended. */
        void run(X87Unit unit, long value);
    }

    /** First half of a store: computes the unit's image; false if an exception forbids writing it. */
    @FunctionalInterface
    public interface Conversion {
        /** Executes on the unit. */
        boolean run(X87Unit unit);
    }

    private X87Ops() {
    }

    /** The unit, for a waiting instruction: raises #NM and pending errors first. */
    static X87Unit waiting(X86Cpu c) {
        requireUnit(c);
        if (c.x87.state().isPending()) {
            raisePending(c);
        }
        return c.x87;
    }

    /** Raises #NM if CR0.EM or CR0.TS is set (SDM vol. 3A, table 2-2). */
    static void requireUnit(X86Cpu c) {
        if ((c.control(0) & (Control.CR0_EM | Control.CR0_TS)) != 0) {
            throw c.fault(Vector.NM);
        }
    }

    /**
     * With CR0.NE #MF; without, FERR#, as in PCs whose interrupt controller turns that into IRQ 13. A real processor stops
     * there until an interrupt comes or IGNNE# says to go on; here it goes on.
     */
    public static void raisePending(X86Cpu c) {
        if ((c.control(0) & Control.CR0_NE) != 0) {
            throw c.fault(Vector.MF);
        }
        c.bus.setFerr(true);
    }

    private static void recordInstruction(X86Cpu c, Insn i) {
        int opcode = (i.row.code() & 7) << 8 | i.modrm;
        c.x87.state().setInstruction(opcode, c.segments.selector(Segment.CS), getLong(c.st + CpuState.BLOCK_RIP) + i.start);
    }

    private static void recordOperand(X86Cpu c, Insn i) {
        recordInstruction(c, i);
        c.x87.state().setOperand(c.segments.selector(i.segment), c.effective(i));
    }

    /** An instruction on registers. */
    public static Handler registers(Work work) {
        return (c, i) -> {
            work.run(waiting(c), i);
            recordInstruction(c, i);
        };
    }

    /** An instruction that reads {@code size} bytes of memory, 2, 4 or 8. */
    public static Handler load(int size, Load load) {
        return (c, i) -> {
            X87Unit unit = waiting(c);
            load.run(unit, c.load(i, size));
            recordOperand(c, i);
        };
    }

    /** An instruction that stores {@code size} bytes, 2, 4 or 8, and then may pop. */
    public static Handler store(int size, Conversion conversion, boolean pop) {
        return (c, i) -> {
            X87Unit unit = waiting(c);
            if (conversion.run(unit)) {
                c.store(i, size, unit.image().significand());
            }
            unit.completeStore(pop);
            recordOperand(c, i);
        };
    }

    /** FSTP m80fp and FBSTP: ten bytes, and a pop. */
    public static Handler store80(Conversion conversion) {
        return (c, i) -> {
            X87Unit unit = waiting(c);
            if (conversion.run(unit)) {
                long at = c.linearWrite(i, 10);
                c.mmu.probeWrite(at, 10);
                c.mmu.store(at, 8, unit.image().significand());
                c.mmu.store(at + 8, 2, unit.image().signExponent());
            }
            unit.completeStore(true);
            recordOperand(c, i);
        };
    }

    /** FLD m80fp. */
    public static void fld80(X86Cpu c, Insn i) {
        X87Unit unit = waiting(c);
        long at = c.linearRead(i, 10);
        long low = c.mmu.load(at, 8);
        unit.loadFloat80((int) c.mmu.load(at + 8, 2), low);
        recordOperand(c, i);
    }

    /** FBLD. */
    public static void fbld(X86Cpu c, Insn i) {
        X87Unit unit = waiting(c);
        long at = c.linearRead(i, 10);
        long low = c.mmu.load(at, 8);
        unit.loadDecimal(low, (int) c.mmu.load(at + 8, 2));
        recordOperand(c, i);
    }

    /** ST(0) = ST(0) op ST(i). */
    public static Handler toTop(Arithmetic operation) {
        return registers((u, i) -> u.arithmetic(operation, 0, i.rm(), 0, false));
    }

    /** ST(i) = ST(i) op ST(0), and a pop perhaps. */
    public static Handler toRegister(Arithmetic operation, boolean pop) {
        return registers((u, i) -> u.arithmetic(operation, i.rm(), 0, i.rm(), pop));
    }

    /** FCMOVcc: {@code condition} is a condition code (SDM vol. 1, appendix B). */
    public static Handler moveIf(int condition) {
        return (c, i) -> {
            waiting(c).moveIf(c.condition(condition), i.rm());
            recordInstruction(c, i);
        };
    }

    /** FCOMI, FCOMIP, FUCOMI, FUCOMIP (SDM vol. 2, table 3-24); the other arithmetic flags are cleared. */
    public static Handler compareFlags(boolean signalling, boolean pop) {
        return (c, i) -> {
            int order = waiting(c).compareFlags(i.rm(), signalling, pop);
            if (order != X87Comparison.NO_ORDER) {
                c.setArithmeticFlags(flags(order));
            }
            recordInstruction(c, i);
        };
    }

    private static int flags(int order) {
        return switch (order) {
            case FpOrder.LESS -> Rflags.CF;
            case FpOrder.EQUAL -> Rflags.ZF;
            case FpOrder.GREATER -> 0;
            default -> Rflags.ZF | Rflags.PF | Rflags.CF;
        };
    }
}
