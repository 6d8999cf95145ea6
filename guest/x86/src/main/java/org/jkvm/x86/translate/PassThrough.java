package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.BYTE;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x86.translate.HostRegisters.ADDRESS;
import static org.jkvm.x86.translate.HostRegisters.OTHER;
import static org.jkvm.x86.translate.HostRegisters.TEMP;
import static org.jkvm.x86.translate.HostRegisters.slot;

import java.util.List;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.HighByte;
import org.jkvm.x64.Label;
import org.jkvm.x64.Mem;
import org.jkvm.x64.OpcodeMap;
import org.jkvm.x64.Reencoding;
import org.jkvm.x64.Rm;
import org.jkvm.x64.Xmm;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.isa.Operand;
import org.jkvm.x86.isa.Row;
import org.jkvm.x86.state.CpuState;

/**
 * Writes a guest instruction again with the host's operands: registers that stay in the struct are loaded before and stored
 * after it, a memory operand is translated before it. What it does with them is the instruction's own business.
 */
final class PassThrough {
    private static final OpcodeMap[] MAPS = OpcodeMap.values();
    private static final int NOT_GENERAL = -1;
    private static final String GENERAL_RM = "ER";
    private static final String VECTOR_RM = "WUQN";

    private final BlockCode code;
    private final Insn i;
    private final Row row;
    private final Recipe recipe;
    private int regGuest = NOT_GENERAL;
    private Gpr regHolder;
    private int rmGuest = NOT_GENERAL;
    private Gpr rmHolder;
    private int vexGuest = NOT_GENERAL;
    private Gpr vexHolder;
    private boolean swapped;

    PassThrough(BlockCode code, Insn i, Recipe recipe) {
        this.code = code;
        this.i = i;
        this.row = i.row;
        this.recipe = recipe;
    }

    /**
     * Whether {@code i} can be written at all: the registers AH to BH get along with no operand that needs REX. Beside memory they
     * change places with AL to BL for a moment, which CMPXCHG compares with.
     */
    static boolean possible(Insn i) {
        boolean high = isHigh(i.dst) || isHigh(i.src);
        return !high || !isStackPointer(i.dst) && !isStackPointer(i.src)
                && (!usesMemory(i) || !i.row.mnemonic().equals("CMPXCHG"));
    }

    /** Whether the instruction has a memory operand. */
    static boolean usesMemory(Insn i) {
        return i.dst == Insn.MEM || i.src == Insn.MEM || i.src2 == Insn.MEM;
    }

    private static boolean isHigh(int location) {
        return isGeneral(location) && (location & 7) == 1;
    }

    private static boolean isStackPointer(int location) {
        return location == CpuState.GENERAL + 32;
    }

    private static boolean isGeneral(int location) {
        return location >= CpuState.GENERAL && location < CpuState.ZERO;
    }

    /** Writes it. */
    void write() {
        Mem memory = usesMemory(i) ? memory() : null;
        if (Effects.shiftsByCl(i) && code.flags.place() == FlagKeeper.Place.MEMORY && memory == null && !code.wantsFlagsNext()) {
            shiftUnlessByZero();
            return;
        }
        code.needFlags(i); // Which may be made again from registers as they are.
        if (memory != null && (isHigh(i.dst) || isHigh(i.src))) {
            besideMemory(memory);
            return;
        }
        write(memory);
    }

    /** A shift by CL leaves the flags where CL is zero: then they stay in memory, where the others' go. */
    private void shiftUnlessByZero() {
        Label zero = new Label();
        Label done = new Label();
        code.a.test(BYTE, Gpr.RCX, i.dstSize == 8 ? 63 : 31);
        code.a.j(Cond.E, zero);
        execute(null);
        FlagKeeper.writeSave(code.a);
        code.a.bind(done);
        code.outOfLine(() -> {
            code.a.bind(zero);
            execute(null); // Which may clear the upper half.
            code.a.jmp(done);
        });
    }

    /** Writes it with AL to BL for AH to BH, of which the address must not be made. */
    private void besideMemory(Mem memory) {
        Gpr register = HostRegisters.of(number(isHigh(i.dst) ? i.dst : i.src));
        code.a.lea(QWORD, ADDRESS, memory);
        swapped = true;
        exchangeHalves(register);
        write(Mem.at(ADDRESS));
        exchangeHalves(register);
    }

    private void exchangeHalves(Gpr register) {
        code.a.xchg(BYTE, HighByte.values()[register.number()], register);
    }

    private void write(Mem memory) {
        FlagSource source = Effects.definesFlags(i) ? code.source(i) : null;
        execute(memory);
        if (Effects.definesFlags(i)) {
            code.flags.defined(source);
        }
    }

    private void execute(Mem memory) {
        if (row.hasModrm()) {
            int reg = regField();
            Rm rm = memory != null ? memory : rm();
            code.a.encode(reencoding(reg, rm), rm);
            storeBack();
        } else if (row.isVex()) {
            code.a.bytes((byte) 0xc5, (byte) (i.vexL ? 0xfc : 0xf8), (byte) row.code());
        } else {
            code.a.encode(reencoding(0, null));
        }
    }

    // ---- operands ----

    private Mem memory() {
        boolean write = i.dst == Insn.MEM && recipe != Recipe.READ;
        return code.memory.operand(i, memorySize(i), write, mustAlign(i, recipe));
    }

    /** Whether the memory operand must be aligned, or there is #GP (SDM vol. 1, section 4.1.1). */
    static boolean mustAlign(Insn i, Recipe recipe) {
        return recipe != Recipe.VECTOR_UNALIGNED && memorySize(i) >= 16;
    }

    /** SDM's Rd/Mb and Rd/Mw operands are smaller in memory than in a register. */
    static int memorySize(Insn i) {
        List<Operand> operands = i.row.operands();
        for (int n = 0; n < operands.size(); n++) {
            if (location(i, n) == Insn.MEM) {
                Operand operand = operands.get(n);
                return switch (operand.type()) {
                    case "db" -> 1;
                    case "dw" -> 2;
                    default -> operand.size(i.operandSize, (i.rex & 8) != 0, i.vexL);
                };
            }
        }
        throw new IllegalStateException("no memory operand: " + i.row);
    }

    private int location(int position) {
        return location(i, position);
    }

    private static int location(Insn i, int position) {
        return position == 0 ? i.dst : position == 1 ? i.src : i.src2;
    }

    private int size(int position) {
        return position == 0 ? i.dstSize : i.srcSize;
    }

    /** Position of the operand whose addressing method is one of {@code methods}, or -1. */
    private int find(String methods) {
        List<Operand> operands = row.operands();
        for (int n = 0; n < operands.size(); n++) {
            if (methods.indexOf(operands.get(n).method()) >= 0) {
                return n;
            }
        }
        return -1;
    }

    private int regField() {
        int vector = find("VP");
        if (vector >= 0) {
            return vectorNumber(location(vector));
        }
        int general = find("G");
        if (general < 0) {
            return row.extension() >= 0 ? row.extension() : i.reg();
        }
        int location = location(general);
        if (isHigh(location)) {
            return (swapped ? 0 : HighByte.AH.number()) + number(location);
        }
        regGuest = number(location);
        regHolder = general == 0 && recipe == Recipe.WRITE && i.dstSize >= 4 ? holder(regGuest, OTHER)
                : code.load(regGuest, OTHER);
        return regHolder.number();
    }

    private static Gpr holder(int guest, Gpr scratch) {
        Gpr host = HostRegisters.of(guest);
        return host == null ? scratch : host;
    }

    /** VEX.vvvv; its register is loaded into TEMP, which is free: nothing that VEX encodes writes a general ModRM.rm. */
    private int vexField() {
        int vector = find("H");
        if (vector >= 0) {
            return vectorNumber(location(vector));
        }
        int general = find("B");
        if (general < 0) {
            return 0;
        }
        vexGuest = number(location(general));
        vexHolder = code.load(vexGuest, TEMP);
        return vexHolder.number();
    }

    private Rm rm() {
        int vector = find(VECTOR_RM);
        if (vector >= 0) {
            return Xmm.values()[vectorNumber(location(vector))];
        }
        int position = find(GENERAL_RM);
        int location = location(position);
        if (isHigh(location)) {
            return HighByte.values()[number(location)];
        }
        int guest = number(location);
        if (HostRegisters.of(guest) == null && !(position == 0 && writesFirst())) {
            return slot(guest);
        }
        rmGuest = guest;
        rmHolder = code.load(guest, TEMP);
        return rmHolder;
    }

    private boolean writesFirst() {
        return recipe != Recipe.READ;
    }

    /** What counts comes last: of MULX's halves the high one, of XADD's results the sum (SDM vol. 2B, MULX; vol. 2D, XADD). */
    private void storeBack() {
        if (vexGuest >= 0 && (find("B") == 0 ? writesFirst() : recipe == Recipe.EXCHANGE)) {
            code.store(vexGuest, vexHolder);
        }
        if (regGuest >= 0 && (find("G") == 0 ? writesFirst() : recipe == Recipe.EXCHANGE)) {
            code.store(regGuest, regHolder);
        }
        if (rmGuest >= 0 && writesFirst()) {
            code.store(rmGuest, rmHolder);
        }
    }

    private static int number(int location) {
        return location - CpuState.GENERAL >> 3;
    }

    /** The number of a vector register, or of an MMX register. */
    private static int vectorNumber(int location) {
        return location < CpuState.VECTORS ? location - CpuState.X87 >> 4
                : (location - CpuState.VECTORS) / CpuState.VECTOR_SIZE;
    }

    // ---- the instruction ----

    private Reencoding reencoding(int reg, Rm rm) {
        int prefixes = switch (row.mandatoryPrefix()) {
            case 0x66 -> Reencoding.OPERAND_SIZE;
            case 0xf2 -> Reencoding.REPNE;
            case 0xf3 -> Reencoding.REP;
            default -> 0;
        };
        prefixes |= i.operandSize == 2 && hasSizedOperand() ? Reencoding.OPERAND_SIZE : 0;
        prefixes |= i.lock ? Reencoding.LOCK : 0;
        Reencoding.Vector vector = row.isVex() ? new Reencoding.Vector(vexField(), i.vexL) : null;
        return new Reencoding(prefixes, rex(rm), wide(), vector, MAPS[row.map()], opcode(), reg, immediate(),
                immediateBytes());
    }

    /** The immediate; where it names a fourth register, its bit 7 counts in 64-bit mode alone (SDM vol. 2A, section 2.3.7). */
    private long immediate() {
        return i.bits64 || find("L") < 0 ? i.imm : i.imm & 0x7f;
    }

    /** 82h, which 64-bit mode lacks, is 80h (SDM vol. 2D, appendix A, table A-2). */
    private int opcode() {
        return row.map() == 0 && row.code() == 0x82 ? 0x80 : row.code();
    }

    /** REX.W; or VEX.W, which outside 64-bit mode says no more than which row it is. */
    private boolean wide() {
        return i.bits64 || !row.isVex() ? (i.rex & 8) != 0 : row.vexW() == 1;
    }

    private boolean hasSizedOperand() {
        for (Operand operand : row.operands()) {
            if (operand.type().equals("v") || operand.type().equals("z")) {
                return true;
            }
        }
        return false;
    }

    /** Byte registers 4 to 7 are SPL to DIL with a REX prefix, AH to BH without (SDM vol. 2A, table 3-1). */
    private Reencoding.Rex rex(Rm rm) {
        if (!swapped && (isHigh(i.dst) || isHigh(i.src))) {
            return Reencoding.Rex.NEVER;
        }
        boolean low = isByte(regHolder, find("G")) || rm instanceof Gpr g && isByte(g, find(GENERAL_RM));
        return low ? Reencoding.Rex.ALWAYS : Reencoding.Rex.AS_NEEDED;
    }

    private boolean isByte(Gpr register, int position) {
        return register != null && position >= 0 && size(position) == 1 && register.number() >= 4 && register.number() < 8;
    }

    private int immediateBytes() {
        int position = find("I");
        if (position < 0) {
            return find("L") < 0 ? 0 : 1;
        }
        return switch (row.operands().get(position).type()) {
            case "b", "sb" -> 1;
            case "w" -> 2;
            default -> Math.min(i.operandSize, 4);
        };
    }
}
