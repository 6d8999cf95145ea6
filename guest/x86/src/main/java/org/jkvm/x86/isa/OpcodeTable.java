package org.jkvm.x86.isa;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * All rows, declared once and found by opcode. What the SDM's appendix A shows as maps, escapes and groups is one flat
 * list here: rows of one opcode byte tell themselves apart by mandatory prefix, ModRM and CPUID feature.
 */
public final class OpcodeTable {
    private static final int MAPS = 4;
    /** Where the maps of VEX-encoded rows begin. */
    private static final int VEX = MAPS;

    private final List<Row> rows = new ArrayList<>();
    private final Row[][] byCode = new Row[2 * MAPS * 256][];

    private OpcodeTable() {
    }

    /** The table of the whole architecture. Made once, then constant; about 1,000 rows. */
    public static OpcodeTable x86() {
        return Holder.TABLE;
    }

    private static final class Holder {
        static final OpcodeTable TABLE = build();

        private static OpcodeTable build() {
            OpcodeTable t = new OpcodeTable();
            IntegerRows.declare(t);
            ControlRows.declare(t);
            SystemRows.declare(t);
            X87Rows.declare(t);
            StateRows.declare(t);
            SseMoveRows.declare(t);
            SseIntegerRows.declare(t);
            SseFloatRows.declare(t);
            Sse4Rows.declare(t);
            BmiRows.declare(t);
            AvxMoveRows.declare(t);
            AvxFloatRows.declare(t);
            AvxIntegerRows.declare(t);
            Avx2Rows.declare(t);
            FmaRows.declare(t);
            t.index();
            return t;
        }
    }

    /** Declares a row. */
    Row row(String opcode, String mnemonic, String operands, Handler handler) {
        Row row = new Row(OpcodeText.parse(opcode), mnemonic, operands, handler, rows.size());
        rows.add(row);
        return row;
    }

    /** Every row, in the order of declaration. */
    public List<Row> rows() {
        return Collections.unmodifiableList(rows);
    }

    /**
     * Finds the row of an opcode.
     *
     * @param map      0 to 3
     * @param code     the opcode byte
     * @param modrm    the byte after it, whatever that is
     * @param rep      the last of F2h and F3h, or 0
     * @param prefix66 whether 66h is there
     * @param features mask of {@link Feature#bit()}
     * @return the row, or null: #UD
     */
    Row find(int map, int code, int modrm, int rep, boolean prefix66, boolean bits64, long features) {
        Row best = null;
        int bestRank = 0;
        for (Row row : byCode[map << 8 | code]) {
            int rank = rank(row.prefix, rep, prefix66);
            if (rank > bestRank && row.matches(modrm, bits64) && (features & row.feature().bit()) != 0) {
                best = row;
                bestRank = rank;
            }
        }
        return best;
    }

    /**
     * Finds the row of a VEX-encoded instruction.
     *
     * @param map    1 to 3
     * @param code   the opcode byte
     * @param modrm  the byte after it, whatever that is
     * @param prefix what VEX.pp stands for: 66h, F2h, F3h or 0
     * @param l      VEX.L
     * @param w      VEX.W
     * @return the row, or null: #UD
     */
    Row findVex(int map, int code, int modrm, int prefix, int l, int w, boolean bits64, long features) {
        for (Row row : byCode[VEX + map << 8 | code]) {
            if (row.prefix == prefix && row.matchesVex(l, w) && row.matches(modrm, bits64)
                    && (features & row.feature().bit()) != 0) {
                return row;
            }
        }
        return null;
    }

    /** F2h and F3h win over 66h, a named prefix over any (SDM vol. 2A, section 2.1.2). */
    private static int rank(int wanted, int rep, boolean prefix66) {
        return switch (wanted) {
            case Row.ANY -> 1;
            case Row.NP -> rep == 0 && !prefix66 ? 2 : 0;
            case 0x66 -> prefix66 && rep == 0 ? 2 : 0;
            default -> wanted == rep ? 3 : 0;
        };
    }

    /** Whether some row of the opcode has a ModRM byte. */
    boolean mayHaveModrm(int map, int code) {
        for (Row row : byCode[map << 8 | code]) {
            if (row.hasModrm()) {
                return true;
            }
        }
        return false;
    }

    private void index() {
        List<List<Row>> lists = new ArrayList<>();
        for (int i = 0; i < byCode.length; i++) {
            lists.add(new ArrayList<>());
        }
        for (Row row : rows) {
            lists.get((row.isVex() ? VEX + row.map : row.map) << 8 | row.code).add(row);
        }
        for (int i = 0; i < byCode.length; i++) {
            byCode[i] = lists.get(i).toArray(new Row[0]);
        }
    }
}
