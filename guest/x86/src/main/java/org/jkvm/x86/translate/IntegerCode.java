package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.BYTE;
import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x64.Size.WORD;
import static org.jkvm.x86.translate.HostRegisters.ADDRESS;
import static org.jkvm.x86.translate.HostRegisters.OTHER;
import static org.jkvm.x86.translate.HostRegisters.TEMP;
import static org.jkvm.x86.translate.HostRegisters.field;
import static org.jkvm.x86.translate.HostRegisters.slot;

import org.jkvm.x64.ArithmeticInstructions.Alu;
import org.jkvm.x64.ArithmeticInstructions.Shift;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.BitInstructions.BitTest;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.HighByte;
import org.jkvm.x64.Mem;
import org.jkvm.x64.Rm;
import org.jkvm.x64.Size;
import org.jkvm.x64.StateInstructions.Plain;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;

/** General-purpose instructions that are not passed through as they stand. Each method says whether it wrote anything. */
final class IntegerCode {
    private final BlockCode code;
    private final Assembler a;

    IntegerCode(BlockCode code) {
        this.code = code;
        this.a = code.a;
    }

    static Size size(int bytes) {
        return switch (bytes) {
            case 1 -> Size.BYTE;
            case 2 -> WORD;
            case 4 -> DWORD;
            default -> QWORD;
        };
    }

    private static int number(int location) {
        return location - CpuState.GENERAL >> 3;
    }

    private static boolean isHigh(int location) {
        return (location & 7) == 1;
    }

    private boolean pass(Insn i, Recipe recipe) {
        new PassThrough(code, i, recipe).write();
        return true;
    }

    // ---- moves ----

    boolean mov(Insn i) {
        if (i.row.map() != 0) {
            return false;
        }
        return switch (i.row.code() & 0xfc) {
            case 0x88 -> pass(i, Recipe.WRITE);
            case 0xa0 -> movOffset(i);
            case 0xb0, 0xb4, 0xb8, 0xbc -> movImmediate(i);
            case 0xc4 -> pass(i, Recipe.WRITE);
            default -> false;
        };
    }

    private boolean movImmediate(Insn i) {
        int number = number(i.dst);
        Gpr host = HostRegisters.of(number);
        if (i.dstSize >= 4) {
            Gpr to = host == null ? TEMP : host;
            a.mov(to, i.dstSize == 4 ? i.imm & 0xffff_ffffL : i.imm);
            code.store(number, to);
        } else {
            Rm to = isHigh(i.dst) ? HighByte.values()[number] : host == null ? slot(number) : host;
            a.mov(size(i.dstSize), to, (int) i.imm);
        }
        return true;
    }

    /** MOV between the accumulator and an absolute offset. */
    private boolean movOffset(Insn i) {
        if (i.dst == Insn.MEM) {
            a.mov(size(i.dstSize), code.memory.operand(i, i.dstSize, true, false), Gpr.RAX);
        } else {
            a.mov(size(i.srcSize), Gpr.RAX, code.memory.operand(i, i.srcSize, false, false));
        }
        return true;
    }

    boolean lea(Insn i) {
        int to = number(i.dst);
        Gpr host = HostRegisters.of(to);
        if (host != null && i.dstSize >= i.addressSize && i.dstSize >= 4 && code.isHeld(i.baseNumber)) {
            code.memory.effective(i, host);
            return true;
        }
        code.memory.effective(i, ADDRESS);
        if (host != null) {
            a.mov(size(i.dstSize), host, ADDRESS);
        } else if (i.dstSize == 2) {
            a.mov(WORD, slot(to), ADDRESS);
        } else {
            a.mov(DWORD, TEMP, ADDRESS);
            a.mov(QWORD, slot(to), i.dstSize == 4 ? TEMP : ADDRESS);
        }
        return true;
    }

    boolean bswap(Insn i) {
        if (i.dstSize == 2) {
            return false;
        }
        int number = number(i.dst);
        Gpr register = code.load(number, TEMP);
        a.bswap(size(i.dstSize), register);
        code.store(number, register);
        return true;
    }

    boolean xchg(Insn i) {
        if (i.row.hasModrm()) {
            return pass(i, Recipe.EXCHANGE);
        }
        int number = number(i.dst);
        if (number != 0) {
            Gpr register = code.load(number, TEMP);
            a.xchg(size(i.dstSize), register, Gpr.RAX);
            code.store(number, register);
        }
        return true;
    }

    /** NOP with REX.B is XCHG of RAX with R8. */
    boolean nop(Insn i) {
        return i.row.code() != 0x90 || xchg(i);
    }

    /** XLAT: AL from a table at RBX. */
    boolean xlat(Insn i) {
        code.spareFlags();
        a.movzx(DWORD, TEMP, BYTE, Gpr.RAX);
        a.lea(i.addressSize == 8 ? QWORD : DWORD, ADDRESS, Mem.at(Gpr.RBX, TEMP, 1, 0));
        if (i.addressSize == 2) {
            a.movzx(DWORD, ADDRESS, WORD, ADDRESS);
        }
        code.memory.addSegment(i, 1, false);
        a.mov(BYTE, Gpr.RAX, code.memory.translate(Mmu.READ_TAG, 1, false));
        return true;
    }

    // ---- arithmetic ----

    /** INC and DEC: the one-byte forms of other modes are REX prefixes here. */
    boolean incDec(Insn i, boolean inc) {
        if (i.row.hasModrm()) {
            return pass(i, Recipe.CHANGE);
        }
        code.needFlags(i);
        Gpr register = HostRegisters.of(number(i.dst));
        if (inc) {
            a.inc(size(i.dstSize), register);
        } else {
            a.dec(size(i.dstSize), register);
        }
        code.flags.defined();
        return true;
    }

    boolean imul(Insn i) {
        return pass(i, switch (i.row.operands().size()) {
            case 1 -> Recipe.READ;
            case 2 -> Recipe.CHANGE;
            default -> Recipe.WRITE;
        });
    }

    /** DIV: #DE is the interpreter's, found before the host would find it: the upper half is below the divisor. */
    boolean div(Insn i) {
        if (i.dstSize == 1) {
            return divByte(i);
        }
        Rm divisor = divisor(i);
        a.alu(Alu.CMP, size(i.dstSize), Gpr.RDX, (Gpr) divisor);
        a.j(Cond.AE, code.step());
        a.div(size(i.dstSize), divisor);
        code.flags.defined();
        return true;
    }

    /** IDIV: the quotient fits when the dividend is a sign-extended half, and the divisor neither 0 nor -1. */
    boolean idiv(Insn i) {
        if (i.dstSize == 1) {
            return idivByte(i);
        }
        Size size = size(i.dstSize);
        Gpr divisor = divisor(i);
        a.lea(size, TEMP, Mem.at(divisor, 1));
        a.alu(Alu.CMP, size, TEMP, 1);
        a.j(Cond.BE, code.step());
        a.mov(size, TEMP, Gpr.RAX);
        a.shift(Shift.SAR, size, TEMP, 8 * i.dstSize - 1);
        a.cmp(size, TEMP, Gpr.RDX);
        a.j(Cond.NE, code.step());
        a.idiv(size, divisor);
        code.flags.defined();
        return true;
    }

    /** DIV of AX, whose upper half is AH. */
    private boolean divByte(Insn i) {
        byteDivisor(i);
        a.mov(DWORD, TEMP, Gpr.RAX);
        a.shift(Shift.SHR, DWORD, TEMP, Byte.SIZE);
        a.cmp(BYTE, TEMP, OTHER);
        a.j(Cond.AE, code.step());
        a.div(BYTE, OTHER);
        code.flags.defined();
        return true;
    }

    private boolean idivByte(Insn i) {
        byteDivisor(i);
        a.lea(DWORD, TEMP, Mem.at(OTHER, 1));
        a.cmp(BYTE, TEMP, 1);
        a.j(Cond.BE, code.step());
        a.movsx(DWORD, TEMP, BYTE, Gpr.RAX);
        a.cmp(WORD, TEMP, Gpr.RAX);
        a.j(Cond.NE, code.step());
        a.idiv(BYTE, OTHER);
        code.flags.defined();
        return true;
    }

    /** Loads the divisor into the lowest byte of OTHER; flags are spared. */
    private void byteDivisor(Insn i) {
        code.spareFlags();
        if (i.dst == Insn.MEM) {
            a.movzx(DWORD, OTHER, BYTE, code.memory.operand(i, 1, false, false));
            return;
        }
        a.mov(DWORD, OTHER, code.load(number(i.dst), OTHER));
        if (isHigh(i.dst)) {
            a.shift(Shift.SHR, DWORD, OTHER, Byte.SIZE);
        }
    }

    /** Loads the divisor into OTHER; flags are spared, so that the interpreter can take over. */
    private Gpr divisor(Insn i) {
        code.spareFlags();
        if (i.dst == Insn.MEM) {
            a.mov(size(i.dstSize), OTHER, code.memory.operand(i, i.dstSize, false, false));
            return OTHER;
        }
        return code.load(number(i.dst), OTHER);
    }

    boolean cbw(Insn i) {
        a.cbw(size(i.operandSize));
        return true;
    }

    boolean cwd(Insn i) {
        a.cwd(size(i.operandSize));
        return true;
    }

    boolean carry(Plain instruction) {
        code.flags.need();
        a.plain(instruction);
        code.flags.defined();
        return true;
    }

    boolean direction(boolean down) {
        code.flags.clobber();
        if (down) {
            a.alu(Alu.OR, DWORD, field(CpuState.RFLAGS), Rflags.DF);
        } else {
            a.and(DWORD, field(CpuState.RFLAGS), ~Rflags.DF);
        }
        return true;
    }

    boolean fence(Plain instruction) {
        a.plain(instruction);
        return true;
    }

    // ---- bits ----

    /** BT and its kin; with a register for index the bit may lie anywhere in memory. */
    boolean bitTest(Insn i, BitTest operation) {
        if (i.dst != Insn.MEM || i.src == Insn.IMM) {
            // A register of the struct must not become a memory operand: there the bit may lie beyond it.
            return pass(i, operation == BitTest.BT && i.dst == Insn.MEM ? Recipe.READ : Recipe.CHANGE);
        }
        if (i.dstSize < 4 || i.addressSize == 2) {
            return false;
        }
        bitString(i, operation);
        return true;
    }

    private void bitString(Insn i, BitTest operation) {
        Size size = size(i.dstSize);
        int index = number(i.src);
        code.flags.clobber();
        code.memory.effective(i, ADDRESS);
        addUnits(i, size, index);
        boolean write = operation != BitTest.BT;
        code.memory.addSegment(i, i.dstSize, write);
        Mem memory = code.memory.translate(write ? Mmu.WRITE_TAG : Mmu.READ_TAG, i.dstSize, false);
        a.mov(DWORD, OTHER, code.load(index, OTHER));
        a.and(DWORD, OTHER, 8 * i.dstSize - 1);
        code.flags.need(); // ZF stays as it is.
        if (i.lock) {
            a.lock();
        }
        a.bitTest(operation, size, memory, OTHER);
        code.flags.defined();
    }

    /** Adds the operand-sized units that the signed bit index is away (SDM vol. 2A, section 3.1.1.9, Bit(BitBase, BitOffset)). */
    private void addUnits(Insn i, Size size, int index) {
        int units = i.dstSize == 8 ? 6 : 5;
        Gpr holder = code.load(index, TEMP);
        if (size == DWORD) {
            a.movsxd(TEMP, holder);
        } else if (holder != TEMP) {
            a.mov(QWORD, TEMP, holder);
        }
        a.shift(Shift.SAR, QWORD, TEMP, units);
        a.lea(i.addressSize == 8 ? QWORD : DWORD, ADDRESS, Mem.at(ADDRESS, TEMP, i.dstSize, 0));
    }

    /** CMPXCHG8B and CMPXCHG16B, whose registers are implied. */
    boolean compareExchangePair(Insn i, boolean wide) {
        if (i.operandSize == 8 && !wide) {
            return false; // The guest has no CMPXCHG16B.
        }
        int size = wide ? 16 : 8;
        code.memory.linear(i, size, true);
        Mem memory = code.memory.translate(Mmu.WRITE_TAG, size, wide);
        code.flags.need();
        if (i.lock) {
            a.lock();
        }
        if (wide) {
            a.cmpxchg16b(memory);
        } else {
            a.cmpxchg8b(memory);
        }
        code.flags.defined();
        return true;
    }
}
