package org.jkvm.x86.isa;

import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jkvm.x86.exec.avx.LaneHandler;

/**
 * Declares VEX forms of SSE rows: the same opcode map, prefix and opcode, the same flags, and for each 128-bit lane the same
 * semantics. What differs is said here: length, operands, CPUID feature, and how lanes make an instruction.
 */
final class VexForms {
    private final OpcodeTable table;
    private final List<Row> sse;

    /** For the rows that {@code table} has by now. */
    VexForms(OpcodeTable table) {
        this.table = table;
        this.sse = table.rows().stream().filter(VexForms::isXmm).toList();
    }

    private static boolean isXmm(Row row) {
        boolean xmm = row.operands().stream().anyMatch(o -> "VWU".indexOf(o.method()) >= 0);
        return xmm && !row.isVex() && row.operands().stream().noneMatch(o -> "PQN".indexOf(o.method()) >= 0);
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
            List<Row> rows = sse.stream().filter(row -> row.mnemonic().equals(name.substring(1))).toList();
            if (rows.isEmpty()) {
                throw new IllegalStateException("no SSE row for " + name);
            }
            rows.forEach(row -> declare(row, length, feature, operands, handler));
        }
    }

    /** Declares both VEX forms of shifts: by an XMM register or memory, or by an immediate with VEX.vvvv as destination. */
    void shifts(String names) {
        for (String name : names.split(" +")) {
            for (Row row : sse.stream().filter(r -> r.mnemonic().equals(name.substring(1))).toList()) {
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
        String prefix = row.prefix > 0 ? ".%02X".formatted(row.prefix) : "";
        String map = List.of(".0F", ".0F38", ".0F3A").get(row.map - 1);
        String extension = row.extension >= 0 ? " /" + row.extension : "";
        String form = row.form == 'm' ? " mem" : row.form == 'r' ? " reg" : "";
        String code = ".WIG %02X".formatted(row.code);
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
