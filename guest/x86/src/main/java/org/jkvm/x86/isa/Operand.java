package org.jkvm.x86.isa;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One operand code of the SDM's opcode maps (vol. 2D, appendix A.2): addressing method and operand type, or a fixed
 * register or number. The method {@code v}, which the SDM has not, is memory at a vector of indices (VSIB).
 *
 * @param text   as declared: "Eb", "Gv", "sIb", "AL", "1"
 * @param method the addressing method's letter, or 'r' for a fixed register, 'n' for a fixed number
 * @param type   the operand type: "b", "v", "dq", ...
 * @param number the fixed register's or operand's number
 */
public record Operand(String text, char method, String type, int number) {
    /** Addressing methods that take a ModRM byte, or come with one. */
    static final String OF_MODRM = "EGMRSCDVWUPQNBHLv";
    private static final Map<String, List<Operand>> PARSED = new ConcurrentHashMap<>();
    private static final List<String> WORDS = List.of("AX", "CX", "DX", "BX", "SP", "BP", "SI", "DI");
    private static final List<String> BYTES = List.of("AL", "CL", "DL", "BL", "AH", "CH", "DH", "BH");
    private static final List<String> SEGMENTS = List.of("ES", "CS", "SS", "DS", "FS", "GS");

    /** Parses "Eb,Gb"; the empty text is no operand. */
    public static List<Operand> parseAll(String text) {
        return PARSED.computeIfAbsent(text, Operand::split);
    }

    private static List<Operand> split(String text) {
        List<Operand> operands = new ArrayList<>();
        for (String part : text.isEmpty() ? new String[0] : text.split(",")) {
            operands.add(parse(part));
        }
        return List.copyOf(operands);
    }

    private static Operand parse(String text) {
        if (BYTES.contains(text)) {
            return new Operand(text, 'r', "b", BYTES.indexOf(text));
        }
        if (text.startsWith("r") && WORDS.contains(text.substring(1))) {
            return new Operand(text, 'r', "v", WORDS.indexOf(text.substring(1)));
        }
        if (text.startsWith("e") && WORDS.contains(text.substring(1))) {
            return new Operand(text, 'r', "z", WORDS.indexOf(text.substring(1)));
        }
        if (WORDS.contains(text)) {
            return new Operand(text, 'r', "w", WORDS.indexOf(text));
        }
        if (SEGMENTS.contains(text)) {
            return new Operand(text, 's', "w", SEGMENTS.indexOf(text));
        }
        if (text.startsWith("ST") || text.equals("XMM0")) {
            return new Operand(text, text.startsWith("ST") ? 'f' : 'x', "", text.equals("STi") ? -1 : 0);
        }
        return Character.isDigit(text.charAt(0)) ? new Operand(text, 'n', "b", Integer.parseInt(text)) : coded(text);
    }

    private static Operand coded(String text) {
        return text.startsWith("sI")
                ? new Operand(text, 'I', "s" + text.substring(2), 0)
                : new Operand(text, text.charAt(0), text.substring(1), 0);
    }

    /** Its size in bytes with VEX.L {@code vexL}. */
    public int size(int operandSize, boolean rexW, boolean vexL) {
        boolean whole = vexL && (type.equals("x") || type.equals("ps") || type.equals("pd"));
        return whole ? 32 : size(operandSize, rexW);
    }

    /** Its size in bytes for an effective operand size; 0 where it has none (LEA's, INVLPG's). */
    public int size(int operandSize, boolean rexW) {
        return switch (type) {
            case "b", "sb" -> 1;
            case "w" -> 2;
            case "d", "ss", "db", "dw" -> 4; // SDM's Rd/Mb and Rd/Mw: 4 bytes of a register, 1 or 2 of memory
            case "q", "sd", "pi" -> 8;
            case "v" -> operandSize;
            case "z" -> Math.min(operandSize, 4);
            case "y" -> rexW ? 8 : 4;
            case "x", "dq", "ps", "pd" -> 16;
            case "qq" -> 32;
            case "t" -> 10;
            case "p" -> operandSize + 2;
            case "a" -> 2 * operandSize;
            case "" -> 0;
            default -> throw new IllegalStateException("operand type in " + text);
        };
    }
}
