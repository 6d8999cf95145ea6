package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x64.Size.WORD;
import static org.jkvm.x86.translate.HostRegisters.ADDRESS;
import static org.jkvm.x86.translate.HostRegisters.TEMP;
import static org.jkvm.x86.translate.HostRegisters.field;

import java.util.Set;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Mem;
import org.jkvm.x64.OpcodeMap;
import org.jkvm.x64.Reencoding;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;

/**
 * x87 instructions, which the host's unit executes on the guest's registers: with all exceptions masked, so that it never
 * raises one. The pointers to the last instruction and operand are kept in the struct (SDM vol. 1, section 8.1.8).
 */
final class X87Code {
    private static final int ALL_MASKED = 0x3f;
    private static final Set<String> STORES = Set.of("FST", "FSTP", "FIST", "FISTP", "FISTTP", "FBSTP", "FNSTCW", "FNSTSW");
    /** Control instructions, which leave the pointers alone. */
    private static final Set<String> CONTROL = Set.of("FLDCW", "FNSTCW", "FNSTSW", "FWAIT", "FNOP", "FDECSTP", "FINCSTP", "FFREE",
            "FFREEP");

    private final BlockCode code;
    private final Assembler a;

    X87Code(BlockCode code) {
        this.code = code;
        this.a = code.a;
    }

    /** Writes {@code i}; always possible. */
    boolean write(Insn i) {
        boolean memory = PassThrough.usesMemory(i);
        if (memory) {
            withMemory(i);
        } else if (i.row.hasModrm()) {
            withRegisters(i);
        }
        if (!CONTROL.contains(i.row.mnemonic())) {
            code.executedX87(i);
            if (memory) {
                recordOperand(i);
            }
        }
        return true;
    }

    private void withRegisters(Insn i) {
        code.needFlags(i);
        a.bytes((byte) i.row.code(), (byte) i.modrm);
        if (Effects.definesFlags(i)) {
            code.flags.defined();
        }
    }

    private void withMemory(Insn i) {
        int size = i.row.operands().getFirst().size(i.operandSize, false);
        Mem operand = code.memory.operand(i, size, STORES.contains(i.row.mnemonic()), false);
        if (i.row.mnemonic().equals("FLDCW")) {
            operand = checkedControl(operand);
        }
        a.encode(Reencoding.of(0, false, OpcodeMap.PRIMARY, i.row.code(), i.modrm >> 3 & 7), operand);
    }

    /** A copy of the control word, which no one else can change; a word that unmasks exceptions is the interpreter's. */
    private Mem checkedControl(Mem operand) {
        code.spareFlags();
        a.movzx(DWORD, ADDRESS, WORD, operand);
        a.mov(DWORD, TEMP, ADDRESS);
        a.and(DWORD, TEMP, ALL_MASKED);
        a.cmp(DWORD, TEMP, ALL_MASKED);
        a.j(Cond.NE, code.step());
        a.mov(WORD, field(CpuState.CARRIED), ADDRESS);
        return field(CpuState.CARRIED);
    }

    /** FDS and FDP: no x87 instruction changes what addresses its operand. */
    private void recordOperand(Insn i) {
        code.memory.effective(i, ADDRESS);
        a.mov(QWORD, field(CpuState.FDP), ADDRESS);
        code.copySelector(i.segment, CpuState.FDS);
    }
}
