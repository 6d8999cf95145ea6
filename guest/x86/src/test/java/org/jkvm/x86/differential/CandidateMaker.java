package org.jkvm.x86.differential;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jkvm.x86.exec.QuickForms;
import org.jkvm.x86.isa.Decoder;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.isa.OpcodeTable;
import org.jkvm.x86.isa.Operand;
import org.jkvm.x86.isa.Row;

/** Writes random encodings of a row in a given form: registers, addressing modes, displacements, immediates. */
final class CandidateMaker {
    private static final int RSP = 4;
    private static final int TAIL = 12;

    /** What VEX.pp stands for (SDM vol. 2A, figure 2-9). */
    private static final List<Integer> PP = List.of(0, 0x66, 0xf3, 0xf2);

    private final RandomGenerator random;
    private final long instructionPointer;
    private final Decoder decoder = new Decoder(OpcodeTable.x86(), -1L);

    /** Instructions will lie at offset {@code instructionPointer} in CS. */
    CandidateMaker(RandomGenerator random, long instructionPointer) {
        this.random = random;
        this.instructionPointer = instructionPointer;
    }

    /** Whether the operand size may matter: not where a mandatory prefix leaves no room and no operand follows REX.W. */
    static boolean isSized(Row row) {
        return row.mandatoryPrefix() < 0 || row.operands().stream().anyMatch(o -> "vzyp".contains(o.type()));
    }

    /**
     * Makes one.
     *
     * @param memoryTarget where a memory operand without a base register shall be: an offset in its segment
     * @param branchTarget where a branch shall lead: an offset in CS
     * @return it, or null where these random bits make another row or none
     */
    Candidate make(Row row, Form form, long memoryTarget, long branchTarget) {
        Draft draft = new Draft(row, form, memoryTarget);
        byte[] bytes = draft.bytes();
        Insn insn = decode(bytes, form.bits());
        if (insn == null || insn.row != row || isSized(row) && insn.operandSize != form.operandSize()) {
            return null;
        }
        bytes = Arrays.copyOf(bytes, insn.length());
        if (draft.patch(bytes, insn, branchTarget)) {
            insn = decode(bytes, form.bits());
        }
        return insn == null ? null : new Candidate(row, bytes, withAnyHandler(insn), form.toString());
    }

    /** What a block would execute, or what it would if this form were rare: both must be right. */
    private Insn withAnyHandler(Insn insn) {
        if (random.nextBoolean()) {
            insn.handler = QuickForms.of(insn);
        }
        return insn;
    }

    private Insn decode(byte[] bytes, int bits) {
        Insn insn = new Insn();
        return decoder.decode(bytes, 0, bytes.length, bits, insn) == Decoder.Status.OK ? insn : null;
    }

    /** One encoding on its way. */
    private final class Draft {
        private final Row row;
        private final Form form;
        private final long memoryTarget;
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();
        private boolean wideAddress;
        private int displacementAt = -1;

        Draft(Row row, Form form, long memoryTarget) {
            this.row = row;
            this.form = form;
            this.memoryTarget = memoryTarget;
        }

        byte[] bytes() {
            prefixes();
            if (row.isVex()) {
                vex();
            } else {
                rex();
                opcode();
            }
            if (row.hasModrm()) {
                modrm();
            }
            for (int i = 0; i < TAIL; i++) {
                out.write(random.nextInt(4) == 0 ? random.nextInt(3) - 1 : random.nextInt(256));
            }
            return out.toByteArray();
        }

        private void prefixes() {
            if (form.lock()) {
                out.write(0xf0);
            }
            wideAddress = form.bits() > 16;
            boolean narrow16 = row.isVsib() && form.bits() == 16; // 16-bit addresses have no SIB byte.
            if (form.bits() != 32 && form.memory() && (narrow16 || random.nextInt(8) == 0)) {
                out.write(0x67);
                wideAddress = true;
            }
            if (form.rep() != 0) {
                out.write(form.rep());
            }
            if (row.isVex()) {
                return;
            }
            if (row.mandatoryPrefix() > 0) {
                out.write(row.mandatoryPrefix());
            } else if (form.operandSize() == (form.bits() == 16 ? 4 : 2)) {
                out.write(0x66);
            }
        }

        private void rex() {
            if (form.bits() != 64) {
                return;
            }
            boolean wide = form.operandSize() == 8 && !defaultsTo64();
            int rex = 0x40 | (wide ? 8 : 0) | (random.nextBoolean() ? random.nextInt(8) : 0);
            if (rex != 0x40 || random.nextInt(4) == 0) {
                out.write(rex);
            }
        }

        /** A VEX prefix of 2 or 3 bytes with random registers, and the opcode (SDM vol. 2A, figure 2-9). */
        private void vex() {
            int pp = PP.indexOf(row.mandatoryPrefix());
            int l = row.vexL() >= 0 ? row.vexL() : random.nextInt(2);
            boolean narrow = form.bits() == 64 && isSized(row) && form.operandSize() < 8;
            int w = row.vexW() >= 0 ? row.vexW() : form.operandSize() == 8 ? 1 : narrow ? 0 : random.nextInt(2);
            int vvvv = row.usesVvvv() ? random.nextInt(16) : 0; // Bit 3 counts in 64-bit mode alone.
            int rxb = form.bits() == 64 && random.nextBoolean() ? random.nextInt(8) : 0;
            int last = (~vvvv & 15) << 3 | l << 2 | pp;
            if (row.map() == 1 && w == 0 && (rxb & 3) == 0 && random.nextBoolean()) {
                out.write(0xc5);
                out.write((~rxb & 4) << 5 | last);
            } else {
                out.write(0xc4);
                out.write((~rxb & 7) << 5 | row.map());
                out.write(w << 7 | last);
            }
            out.write(row.code());
        }

        private boolean defaultsTo64() {
            return row.mode() == Row.Mode.D64 || row.mode() == Row.Mode.F64;
        }

        private void opcode() {
            if (row.map() > 0) {
                out.write(0x0f);
            }
            if (row.map() > 1) {
                out.write(row.map() == 2 ? 0x38 : 0x3a);
            }
            out.write(row.code());
        }

        private void modrm() {
            if (row.exactModrm() >= 0) {
                out.write(row.exactModrm());
                return;
            }
            int reg = (row.extension() >= 0 ? row.extension() : random.nextInt(8)) << 3;
            if (!form.memory()) {
                out.write(0xc0 | reg | random.nextInt(8));
                return;
            }
            int mod = random.nextInt(3);
            int rm = row.isVsib() ? RSP : random.nextInt(8); // RM 4 is a SIB byte, which VSIB needs.
            out.write(mod << 6 | reg | rm);
            boolean sib = wideAddress && rm == RSP;
            int base = sib ? random.nextInt(256) : rm;
            if (sib) {
                out.write(base);
            }
            if (mod == 0 && (base & 7) == (wideAddress ? 5 : 6)) {
                displacementAt = out.size();
            }
        }

        /** Points a displacement without base to the target, and a branch to its; true where bytes changed. */
        boolean patch(byte[] bytes, Insn insn, long branchTarget) {
            // MOV to and from control registers has no memory operand whatever ModRM says.
            boolean changed = displacementAt >= 0
                    && (insn.dst == Insn.MEM || insn.src == Insn.MEM || insn.src2 == Insn.MEM);
            if (changed) {
                long from = insn.ripRelative ? instructionPointer + bytes.length : 0;
                put(bytes, displacementAt, wideAddress ? 4 : 2, memoryTarget - from);
            }
            for (Operand operand : row.operands()) {
                if (operand.method() == 'J') {
                    int size = operand.size(insn.operandSize, false);
                    put(bytes, bytes.length - size, size, branchTarget - instructionPointer - bytes.length);
                    changed = true;
                } else if (operand.method() == 'O') {
                    put(bytes, bytes.length - insn.addressSize, insn.addressSize, memoryTarget);
                    changed = true;
                }
            }
            return changed;
        }

        private static void put(byte[] bytes, int at, int size, long value) {
            for (int i = 0; i < size; i++) {
                bytes[at + i] = (byte) (value >>> 8 * i);
            }
        }
    }
}
