package org.jkvm.x86.disasm;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.isa.Operand;

/** Where GNU's Intel syntax departs from the tables' mnemonics and operand sizes, which are the SDM's. */
final class Mnemonics {
    private static final String[] COMPARISONS = {"eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord",
        "eq_uq", "nge", "ngt", "false", "neq_oq", "ge", "gt", "true", "eq_os", "lt_oq", "le_oq", "unord_s", "neq_us",
        "nlt_uq", "nle_uq", "ord_s", "eq_us", "nge_uq", "ngt_uq", "false_os", "neq_os", "ge_oq", "gt_oq", "true_us"};
    /** Those that do without VEX. */
    private static final int SSE_COMPARISONS = 8;
    private static final String[] HINTS = {"prefetchnta", "prefetcht0", "prefetcht1", "prefetcht2"};
    private static final String[] WRITE_HINTS = {"prefetch", "prefetchw", "prefetchwt1"};
    private static final Map<String, String> RENAMED = Map.of("WAIT", "fwait", "SAL", "shl", "CALLF", "call", "JMPF", "jmp");
    /** Named by operand size: word, doubleword, quadword. */
    private static final Map<String, List<String>> BY_SIZE = Map.ofEntries(
            Map.entry("CBW", List.of("cbw", "cwde", "cdqe")), Map.entry("CWD", List.of("cwd", "cdq", "cqo")),
            Map.entry("FXSAVE", List.of("fxsave", "fxsave", "fxsave64")),
            Map.entry("FXRSTOR", List.of("fxrstor", "fxrstor", "fxrstor64")),
            Map.entry("XSAVE", List.of("xsave", "xsave", "xsave64")),
            Map.entry("XRSTOR", List.of("xrstor", "xrstor", "xrstor64")),
            Map.entry("XSAVEOPT", List.of("xsaveopt", "xsaveopt", "xsaveopt64")),
            Map.entry("XSAVEC", List.of("xsavec", "xsavec", "xsavec64")),
            Map.entry("XSAVES", List.of("xsaves", "xsaves", "xsaves64")),
            Map.entry("XRSTORS", List.of("xrstors", "xrstors", "xrstors64")),
            Map.entry("VPCMPESTRI", List.of("vpcmpestri", "vpcmpestri", "vpcmpestriq")),
            Map.entry("VPCMPESTRM", List.of("vpcmpestrm", "vpcmpestrm", "vpcmpestrmq")),
            Map.entry("PEXTRD", List.of("pextrd", "pextrd", "pextrq")),
            Map.entry("PINSRD", List.of("pinsrd", "pinsrd", "pinsrq")),
            Map.entry("PCMPESTRI", List.of("pcmpestri", "pcmpestri", "pcmpestriq")),
            Map.entry("PCMPESTRM", List.of("pcmpestrm", "pcmpestrm", "pcmpestrmq")),
            Map.entry("CMPXCHG8B", List.of("cmpxchg8b", "cmpxchg8b", "cmpxchg16b")));
    /** Get a letter where the operand size is not the mode's own. */
    private static final Set<String> SUFFIXED = Set.of("PUSHA", "POPA", "PUSHF", "POPF", "IRET", "LEAVE", "ENTER", "RET",
            "RETF");
    /** Get a letter always, but for 64-bit mode. */
    private static final Set<String> TABLE_REGISTERS = Set.of("SGDT", "SIDT", "LGDT", "LIDT");
    private static final Set<String> STRINGS = Set.of("MOVS", "CMPS", "STOS", "LODS", "SCAS", "INS", "OUTS");
    private static final Set<String> COMPARES = Set.of("CMPPS", "CMPPD", "CMPSS", "CMPSD", "VCMPPS", "VCMPPD",
            "VCMPSS", "VCMPSD");

    private static final int NOP = 0x90;

    private Mnemonics() {
    }

    static String text(Insn insn, int bits) {
        String name = insn.row.mnemonic();
        int size = insn.operandSize;
        if (BY_SIZE.containsKey(name)) {
            return BY_SIZE.get(name).get(size == 2 ? 0 : size == 4 ? 1 : 2);
        }
        if (isComparison(insn)) {
            return name.startsWith("V") ? "vcmp" + COMPARISONS[(int) insn.imm] + lower(name.substring(4))
                    : "cmp" + COMPARISONS[(int) insn.imm] + lower(name.substring(3));
        }
        return switch (name) {
            case "SYSRET", "SYSEXIT" -> lower(name) + (bits < 64 ? "" : size == 8 ? "q" : "d");
            case "JCXZ" -> insn.addressSize == 2 ? "jcxz" : insn.addressSize == 4 ? "jecxz" : "jrcxz";
            case "NOP", "PAUSE" -> isExchange(insn) ? "xchg" : lower(name);
            case "PREFETCH" -> insn.memory() && insn.reg() < HINTS.length ? HINTS[insn.reg()] : "nop";
            case "PREFETCHW" -> insn.reg() < WRITE_HINTS.length ? WRITE_HINTS[insn.reg()] : "prefetch";
            case "MOV" -> isAbsolute(insn) ? "movabs" : "mov";
            case "MOVD" -> insn.bits64 && (insn.rex & 8) != 0 ? "movq" : "movd";
            case "PUSH", "POP" -> lower(name) + (hasSuffix(insn) ? suffix(size, bits, name) : "");
            case "CALL", "JMP" -> lower(name) + (bits == 32 && size == 2 && !insn.row.hasModrm() ? "w" : "");
            default -> suffixed(name, size, bits);
        };
    }

    private static String suffixed(String name, int size, int bits) {
        if (SUFFIXED.contains(name)) {
            return lower(name) + suffix(size, bits, name);
        }
        if (TABLE_REGISTERS.contains(name)) {
            return lower(name) + (bits == 64 ? "" : size == 2 ? "w" : "d");
        }
        return RENAMED.getOrDefault(name, lower(name));
    }

    private static String suffix(int size, int bits, String name) {
        boolean quad = bits == 64 && !name.equals("IRET") && !name.equals("RETF");
        int usual = quad ? 8 : bits == 16 ? 2 : 4;
        if (size == usual) {
            return "";
        }
        return size == 2 ? "w" : size == 4 ? "d" : "q";
    }

    private static String lower(String name) {
        return name.toLowerCase(Locale.ROOT);
    }

    private static boolean isComparison(Insn insn) {
        return COMPARES.contains(insn.row.mnemonic()) && insn.imm >= 0
                && insn.imm < (insn.vex != 0 ? COMPARISONS.length : SSE_COMPARISONS);
    }

    /** Opcode 90h with an operand that is not EAX: 66h makes it XCHG AX, AX, REX.B another register. */
    private static boolean isExchange(Insn insn) {
        boolean plain = insn.row.mnemonic().equals("PAUSE") || !insn.prefix66;
        return !insn.row.hasModrm() && (!plain || (insn.rex & 1) != 0);
    }

    /** Eight bytes of immediate or, in 64-bit mode, of address. */
    private static boolean isAbsolute(Insn insn) {
        char first = insn.row.operands().get(0).method();
        char second = insn.row.operands().get(1).method();
        return first == 'Z' && insn.dstSize == 8 || insn.bits64 && (first == 'O' || second == 'O');
    }

    /** Whether PUSH or POP has an operand that does not show its size: a segment register or an immediate. */
    private static boolean hasSuffix(Insn insn) {
        char method = insn.row.operands().getFirst().method();
        return method == 's' || method == 'I';
    }

    /** The operands to be shown: an SSE comparison's number is in its name, a NOP has none. */
    static List<Operand> shown(Insn insn) {
        List<Operand> operands = insn.row.operands();
        if (isComparison(insn)) {
            return operands.subList(0, operands.size() - 1);
        }
        boolean nop = insn.row.code() == NOP && insn.row.map() == 0 && !isExchange(insn);
        return nop ? List.of() : operands;
    }

    /** The size of {@code operand} to be shown where it is not the table's, {@code size}. */
    static int size(Insn insn, Operand operand, int size) {
        return switch (insn.row.mnemonic()) {
            case "LAR", "LSL" -> operand.method() == 'E' && insn.memory() ? 2 : insn.operandSize;
            case "SLDT", "STR", "SMSW" -> insn.memory() ? 2 : size;
            case "MOV" -> moved(insn, size);
            case "PREFETCH" -> insn.memory() && insn.reg() < HINTS.length ? 1 : size;
            case "PREFETCHW", "INVLPG" -> 1;
            case "PINSRB", "PEXTRB", "VPINSRB", "VPEXTRB" -> operand.method() == 'E' && insn.memory() ? 1 : size;
            case "PINSRW", "PEXTRW", "VPINSRW", "VPEXTRW" -> operand.method() == 'E' && insn.memory() ? 2 : size;
            case "LDDQU", "VLDDQU" -> insn.memory() && operand.method() != 'V' ? 0 : size;
            case "CMPXCHG8B" -> 2 * insn.operandSize < 16 ? 8 : 16;
            default -> size;
        };
    }

    /** Segment selectors are words in memory, control and debug registers have no words. */
    private static int moved(Insn insn, int size) {
        char first = insn.row.operands().getFirst().method();
        char second = insn.row.operands().get(1).method();
        if (first == 'S' || second == 'S') {
            return insn.memory() ? 2 : insn.operandSize;
        }
        return first == 'R' || second == 'R' ? Math.max(size, 4) : size;
    }

    /** Whether a REP prefix repeats it. */
    static boolean isString(Insn insn) {
        return STRINGS.contains(insn.row.mnemonic()) && !insn.row.hasModrm();
    }
}
