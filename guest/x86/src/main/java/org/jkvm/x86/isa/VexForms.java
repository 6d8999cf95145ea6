package org.jkvm.x86.isa;

import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jkvm.x86.exec.avx.LaneHandler;

/**
 * Declares VEX forms of SSE rows: the same opcode map, prefix and opcode, the same flags, and for each 128-bit lane the same
 * semantics. What differs is said here: length, operands, CPUID feature, and how lanes make an instruction.
 */
final class VexForms {
    private final OpcodeTable table;
    private final Map<String, List<Row>> sse;

    /** For the rows that {@code table} has by now. */
    VexForms(OpcodeTable table) {
        this.table = table;
        this.sse = table.rows().stream().filter(VexForms::isXmm).collect(Collectors.groupingBy(Row::mnemonic));
    }

    private static boolean isXmm(Row row) {
        return row.hasAny("VWU") && !row.isVex() && !row.hasAny("PQN");
    }

    /**
     * Declares the VEX forms of all SSE rows of some mnemonics.
     *
     * @param length   as in {@link VexText}: "128", "256", "LIG", or "" where both have the same operands and feature
     * @param operands makes the operands of SSE's
     * @param handler  makes the handler of SSE's
     * @param names    the mnemonics, separated by spaces, with their V
     */
    void declare(String length, Feature feature, UnaryOperator<String> operands, UnaryOperator<Handler> handler,
                 String names) {
        for (String name : names.split(" +")) {
            rows(name).forEach(row -> declare(row, length, feature, operands, handler));
        }
    }

    private List<Row> rows(String name) {
        List<Row> rows = sse.get(name.substring(1));
        if (rows == null) {
            throw new IllegalStateException("no SSE row for " + name);
        }
        return rows;
    }

    /** Declares both VEX forms of shifts: by an XMM register or memory, or by an immediate with VEX.vvvv as destination. */
    void shifts(String names) {
        for (String name : names.split(" +")) {
            for (Row row : rows(name)) {
                boolean immediate = row.operands().getFirst().method() == 'U';
                UnaryOperator<Handler> handler = immediate ? LaneHandler::inPlace : h -> LaneHandler.three(h).stride(0);
                String operands = immediate ? "Hx,Ux,Ib" : "Vx,Hx,Wdq";
                declare(row, "128", Feature.AVX, sse -> operands, handler);
                declare(row, "256", Feature.AVX2, sse -> operands, handler);
            }
        }
    }

    private void declare(Row row, String length, Feature feature, UnaryOperator<String> operands,
                         UnaryOperator<Handler> handler) {
        String shown = operands.apply(row.operands().stream().map(Operand::text).collect(Collectors.joining(",")));
        table.row(opcode(row, length), "V" + row.mnemonic(), shown, handler.apply(row.handler()))
                .writes(row.flagsWritten()).needs(feature);
    }

    private static String opcode(Row row, String length) {
        String prefix = row.prefix > 0 ? "." + OpcodeText.hex(row.prefix) : "";
        String map = List.of(".0F", ".0F38", ".0F3A").get(row.map - 1);
        String extension = row.extension >= 0 ? " /" + row.extension : "";
        String form = row.form == 'm' ? " mem" : row.form == 'r' ? " reg" : "";
        String code = ".WIG " + OpcodeText.hex(row.code);
        return "VEX" + (length.isEmpty() ? "" : "." + length) + prefix + map + code + extension + form;
    }

    // ---- operands ----

    /** {@code Vdq,Wdq} becomes {@code Vx,Wx}: as long as VEX.L says. */
    static String vector(String operands) {
        return operands.replace("dq", "x");
    }

    /** {@code Vps,Wps} becomes {@code Vps,Hps,Wps}: VEX.vvvv is the first source. */
    static String threeScalar(String operands) {
        String first = operands.substring(0, operands.indexOf(','));
        return operands.replaceFirst(",", ",H" + first.substring(1) + ",");
    }

    /** Both. */
    static String three(String operands) {
        return threeScalar(vector(operands));
    }

    /** {@code Vdq,Wq} becomes {@code Vx,Wdq}, and so on: twice the source for 256 bits. */
    static String widened(String operands) {
        String source = operands.substring(operands.indexOf(',') + 2);
        return vector(operands.substring(0, operands.indexOf(','))) + ",W" + switch (source) {
            case "q" -> "dq";
            case "d" -> "q";
            default -> "d";
        };
    }
}
