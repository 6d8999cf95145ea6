package org.jkvm.x86.exec;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Handler;
import org.jkvm.x86.isa.Insn;

/**
 * Handlers for the forms that most executed instructions have: 32- and 64-bit operands, a register first, and a register,
 * an immediate or (in 64-bit mode) memory second. They do what the row's handler does with the sizes and operand kinds
 * known, so that the host's compiler leaves nothing to be decided. Chosen once, when an instruction is decoded.
 */
public final class QuickForms {
    private static final int REGISTER = 0;
    private static final int IMMEDIATE = 2;
    private static final int MEMORY = 4;

    private static final Handler[] ADD = {
        (c, i) -> c.setReg(i.dst, 4, Alu.sum(c, 4, c.reg(i.dst, 4), c.reg(i.src, 4), 0)),
        (c, i) -> c.setReg(i.dst, 8, Alu.sum(c, 8, c.reg(i.dst, 8), c.reg(i.src, 8), 0)),
        (c, i) -> c.setReg(i.dst, 4, Alu.sum(c, 4, c.reg(i.dst, 4), i.imm, 0)),
        (c, i) -> c.setReg(i.dst, 8, Alu.sum(c, 8, c.reg(i.dst, 8), i.imm, 0)),
        (c, i) -> c.setReg(i.dst, 4, Alu.sum(c, 4, c.reg(i.dst, 4), c.mmu.load32(address(c, i)), 0)),
        (c, i) -> c.setReg(i.dst, 8, Alu.sum(c, 8, c.reg(i.dst, 8), c.mmu.load64(address(c, i)), 0)),
    };

    private static final Handler[] SUB = {
        (c, i) -> c.setReg(i.dst, 4, Alu.difference(c, 4, c.reg(i.dst, 4), c.reg(i.src, 4), 0)),
        (c, i) -> c.setReg(i.dst, 8, Alu.difference(c, 8, c.reg(i.dst, 8), c.reg(i.src, 8), 0)),
        (c, i) -> c.setReg(i.dst, 4, Alu.difference(c, 4, c.reg(i.dst, 4), i.imm, 0)),
        (c, i) -> c.setReg(i.dst, 8, Alu.difference(c, 8, c.reg(i.dst, 8), i.imm, 0)),
        (c, i) -> c.setReg(i.dst, 4, Alu.difference(c, 4, c.reg(i.dst, 4), c.mmu.load32(address(c, i)), 0)),
        (c, i) -> c.setReg(i.dst, 8, Alu.difference(c, 8, c.reg(i.dst, 8), c.mmu.load64(address(c, i)), 0)),
    };

    private static final Handler[] CMP = {
        (c, i) -> Alu.difference(c, 4, c.reg(i.dst, 4), c.reg(i.src, 4), 0),
        (c, i) -> Alu.difference(c, 8, c.reg(i.dst, 8), c.reg(i.src, 8), 0),
        (c, i) -> Alu.difference(c, 4, c.reg(i.dst, 4), i.imm, 0),
        (c, i) -> Alu.difference(c, 8, c.reg(i.dst, 8), i.imm, 0),
        (c, i) -> Alu.difference(c, 4, c.reg(i.dst, 4), c.mmu.load32(address(c, i)), 0),
        (c, i) -> Alu.difference(c, 8, c.reg(i.dst, 8), c.mmu.load64(address(c, i)), 0),
    };

    private static final Handler[] AND = {
        (c, i) -> c.setReg(i.dst, 4, logic(c, 4, c.reg(i.dst, 4) & c.reg(i.src, 4))),
        (c, i) -> c.setReg(i.dst, 8, logic(c, 8, c.reg(i.dst, 8) & c.reg(i.src, 8))),
        (c, i) -> c.setReg(i.dst, 4, logic(c, 4, c.reg(i.dst, 4) & i.imm)),
        (c, i) -> c.setReg(i.dst, 8, logic(c, 8, c.reg(i.dst, 8) & i.imm)),
        (c, i) -> c.setReg(i.dst, 4, logic(c, 4, c.reg(i.dst, 4) & c.mmu.load32(address(c, i)))),
        (c, i) -> c.setReg(i.dst, 8, logic(c, 8, c.reg(i.dst, 8) & c.mmu.load64(address(c, i)))),
    };

    private static final Handler[] OR = {
        (c, i) -> c.setReg(i.dst, 4, logic(c, 4, c.reg(i.dst, 4) | c.reg(i.src, 4))),
        (c, i) -> c.setReg(i.dst, 8, logic(c, 8, c.reg(i.dst, 8) | c.reg(i.src, 8))),
        (c, i) -> c.setReg(i.dst, 4, logic(c, 4, c.reg(i.dst, 4) | i.imm)),
        (c, i) -> c.setReg(i.dst, 8, logic(c, 8, c.reg(i.dst, 8) | i.imm)),
        (c, i) -> c.setReg(i.dst, 4, logic(c, 4, c.reg(i.dst, 4) | c.mmu.load32(address(c, i)))),
        (c, i) -> c.setReg(i.dst, 8, logic(c, 8, c.reg(i.dst, 8) | c.mmu.load64(address(c, i)))),
    };

    private static final Handler[] XOR = {
        (c, i) -> c.setReg(i.dst, 4, logic(c, 4, c.reg(i.dst, 4) ^ c.reg(i.src, 4))),
        (c, i) -> c.setReg(i.dst, 8, logic(c, 8, c.reg(i.dst, 8) ^ c.reg(i.src, 8))),
        (c, i) -> c.setReg(i.dst, 4, logic(c, 4, c.reg(i.dst, 4) ^ i.imm)),
        (c, i) -> c.setReg(i.dst, 8, logic(c, 8, c.reg(i.dst, 8) ^ i.imm)),
        (c, i) -> c.setReg(i.dst, 4, logic(c, 4, c.reg(i.dst, 4) ^ c.mmu.load32(address(c, i)))),
        (c, i) -> c.setReg(i.dst, 8, logic(c, 8, c.reg(i.dst, 8) ^ c.mmu.load64(address(c, i)))),
    };

    private static final Handler[] TEST = {
        (c, i) -> logic(c, 4, c.reg(i.dst, 4) & c.reg(i.src, 4)),
        (c, i) -> logic(c, 8, c.reg(i.dst, 8) & c.reg(i.src, 8)),
        (c, i) -> logic(c, 4, c.reg(i.dst, 4) & i.imm),
        (c, i) -> logic(c, 8, c.reg(i.dst, 8) & i.imm),
        (c, i) -> logic(c, 4, c.reg(i.dst, 4) & c.mmu.load32(address(c, i))),
        (c, i) -> logic(c, 8, c.reg(i.dst, 8) & c.mmu.load64(address(c, i))),
    };

    private static final Handler[] MOV = {
        (c, i) -> c.setReg(i.dst, 4, c.reg(i.src, 4)),
        (c, i) -> c.setReg(i.dst, 8, c.reg(i.src, 8)),
        (c, i) -> c.setReg(i.dst, 4, i.imm),
        (c, i) -> c.setReg(i.dst, 8, i.imm),
        (c, i) -> c.setReg(i.dst, 4, c.mmu.load32(address(c, i))),
        (c, i) -> c.setReg(i.dst, 8, c.mmu.load64(address(c, i))),
    };

    private static final Handler STORE32 = (c, i) -> c.mmu.store32(address(c, i), (int) c.reg(i.src, 4));
    private static final Handler STORE64 = (c, i) -> c.mmu.store64(address(c, i), c.reg(i.src, 8));
    private static final Handler COMPARE_MEMORY32 =
            (c, i) -> Alu.difference(c, 4, c.mmu.load32(address(c, i)), c.src(i), 0);
    private static final Handler COMPARE_MEMORY64 =
            (c, i) -> Alu.difference(c, 8, c.mmu.load64(address(c, i)), c.src(i), 0);
    private static final Handler ZERO_EXTEND_BYTE = (c, i) -> c.setReg(i.dst, 8, c.mmu.load(address(c, i), 1));
    private static final Handler PUSH64 = (c, i) -> c.push(8, c.reg(i.dst, 8));
    private static final Handler POP64 = (c, i) -> c.setReg(i.dst, 8, c.pop(8));
    private static final Handler LEA64 = (c, i) -> c.setReg(i.dst, 8, c.effective(i));

    /** Jcc in 64-bit mode, by condition. */
    private static final Handler[] JUMPS = {
        (c, i) -> jump(c, i, c.of()),
        (c, i) -> jump(c, i, !c.of()),
        (c, i) -> jump(c, i, c.cf()),
        (c, i) -> jump(c, i, !c.cf()),
        (c, i) -> jump(c, i, c.zf()),
        (c, i) -> jump(c, i, !c.zf()),
        (c, i) -> jump(c, i, c.cf() || c.zf()),
        (c, i) -> jump(c, i, !c.cf() && !c.zf()),
        (c, i) -> jump(c, i, c.sf()),
        (c, i) -> jump(c, i, !c.sf()),
        (c, i) -> jump(c, i, c.pf()),
        (c, i) -> jump(c, i, !c.pf()),
        (c, i) -> jump(c, i, c.sf() != c.of()),
        (c, i) -> jump(c, i, c.sf() == c.of()),
        (c, i) -> jump(c, i, c.zf() || c.sf() != c.of()),
        (c, i) -> jump(c, i, !c.zf() && c.sf() == c.of()),
    };

    private QuickForms() {
    }

    private static long address(X86Cpu c, Insn i) {
        return c.effective(i) + c.field(i.segmentBase);
    }

    private static long logic(X86Cpu c, int size, long result) {
        c.setLogicFlags(result, size);
        return result;
    }

    private static void jump(X86Cpu c, Insn i, boolean taken) {
        if (taken) {
            c.rip += i.imm;
        }
    }

    /** The quick form of {@code i}, or its row's handler where it has none. */
    public static Handler of(Insn i) {
        if (i.lock || i.row.map() > 1) {
            return i.handler;
        }
        return switch (i.row.mnemonic()) {
            case "MOV" -> mov(i);
            case "ADD" -> form(i, ADD);
            case "SUB" -> form(i, SUB);
            case "CMP" -> i.dst == Insn.MEM ? compareMemory(i) : form(i, CMP);
            case "AND" -> form(i, AND);
            case "OR" -> form(i, OR);
            case "XOR" -> form(i, XOR);
            case "TEST" -> form(i, TEST);
            case "MOVZX" -> i.bits64 && i.src == Insn.MEM && i.srcSize == 1 && i.dstSize >= 4 ? ZERO_EXTEND_BYTE : i.handler;
            case "PUSH" -> i.bits64 && i.operandSize == 8 && i.row.map() == 0 && i.dst >= 0 ? PUSH64 : i.handler;
            case "POP" -> i.bits64 && i.operandSize == 8 && i.row.map() == 0 && i.dst >= 0 ? POP64 : i.handler;
            case "LEA" -> i.dstSize == 8 ? LEA64 : i.handler;
            default -> i.bits64 && isConditionalJump(i) ? JUMPS[i.condition] : i.handler;
        };
    }

    private static boolean isConditionalJump(Insn i) {
        int code = i.row.code() & 0xf0;
        return i.row.map() == 0 ? code == 0x70 : code == 0x80;
    }

    private static Handler mov(Insn i) {
        boolean general = i.row.map() == 0 && i.row.code() != 0x8c && i.row.code() != 0x8e;
        if (!general) {
            return i.handler;
        }
        if (i.dst == Insn.MEM && i.bits64 && i.src >= 0 && i.dstSize >= 4) {
            return i.dstSize == 8 ? STORE64 : STORE32;
        }
        return form(i, MOV);
    }

    private static Handler compareMemory(Insn i) {
        return i.bits64 && i.dstSize >= 4 ? i.dstSize == 8 ? COMPARE_MEMORY64 : COMPARE_MEMORY32 : i.handler;
    }

    private static Handler form(Insn i, Handler[] forms) {
        if (i.dst < 0 || i.dstSize < 4 || i.src == Insn.MEM && !i.bits64) {
            return i.handler;
        }
        int kind = i.src >= 0 ? REGISTER : i.src == Insn.IMM ? IMMEDIATE : MEMORY;
        return forms[kind + (i.dstSize == 8 ? 1 : 0)];
    }
}
