package org.jkvm.x86.translate;

import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.isa.Row;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;

/** Which arithmetic flags are undefined after a run of instructions: the two executors may differ in them. */
final class UndefinedFlags {
    private static final String LETTERS = "oszapc";
    private static final int[] BITS = {Rflags.OF, Rflags.SF, Rflags.ZF, Rflags.AF, Rflags.PF, Rflags.CF};
    private static final Set<String> SHIFTS = Set.of("ROL", "ROR", "RCL", "RCR", "SHL", "SHR", "SAL", "SAR", "SHLD", "SHRD");
    private static final Set<String> UNSIGNED = Set.of("SHL", "SHR", "SAL", "SHLD", "SHRD");
    /** Undefined altogether where the count is beyond 16 bits (SDM vol. 2B, SHLD). */
    private static final Set<String> DOUBLE = Set.of("SHLD", "SHRD");
    /** Without a quotient, of infinity or by 0, say, they leave C0 and C3 to AMD's processors as they were, to Intel's as 0. */
    private static final Set<String> REMAINDERS = Set.of("FPREM", "FPREM1");
    /** Whose frames have the flags. */
    private static final Set<String> PUSHING = Set.of("INT", "INT3");
    private static final int RCX = 1;

    private final Map<Row, Effect> effects = new IdentityHashMap<>();
    private int mask;
    private boolean used;
    private int previousMask;
    private boolean previouslyUsed;

    /** Begins with flags that are all defined. */
    void clear() {
        mask = 0;
        used = false;
    }

    /** Bits of RFLAGS that are undefined now. */
    int mask() {
        return mask;
    }

    /** Whether an instruction read one that was, or its result is undefined: what it did may differ. */
    boolean used() {
        return used;
    }

    /** {@code i} is about to be executed. */
    void before(X86Cpu cpu, Insn i) {
        Effect effect = effects.computeIfAbsent(i.row, Effect::of);
        previousMask = mask;
        previouslyUsed = used;
        used |= (effect.read & mask) != 0 || effect.remainder;
        long count = effect.shift ? count(cpu, i) : 1;
        used |= effect.shift && i.dstSize == 2 && count > 16 && DOUBLE.contains(i.row.mnemonic());
        if (count != 0) {
            mask = mask & ~effect.written | effect.undefined | (effect.shift ? byCount(i, count) : 0);
        }
    }

    /** The instruction that was about to be executed was not. */
    void takeBack() {
        mask = previousMask;
        used = previouslyUsed;
    }

    /** A count of 0 changes nothing; OF is defined for a count of 1, CF up to the operand's width (SDM vol. 2B, SAL, RCL, SHLD). */
    private static int byCount(Insn i, long count) {
        return (count > 1 ? Rflags.OF : 0)
                | (count >= 8L * i.dstSize && UNSIGNED.contains(i.row.mnemonic()) ? Rflags.CF : 0);
    }

    private static long count(X86Cpu cpu, Insn i) {
        boolean inRegister = i.row.operands().getLast().text().equals("CL");
        return (inRegister ? cpu.reg(CpuState.GENERAL + 8 * RCX, 1) : i.imm) & (i.dstSize == 8 ? 0x3f : 0x1f);
    }

    /** What a row says, as bits of RFLAGS. */
    private record Effect(int read, int written, int undefined, boolean shift, boolean remainder) {
        static Effect of(Row row) {
            String read = PUSHING.contains(row.mnemonic()) ? LETTERS : row.flagsRead();
            return new Effect(bits(read), bits(row.flagsWritten()), bits(row.flagsUndefined()),
                    SHIFTS.contains(row.mnemonic()), REMAINDERS.contains(row.mnemonic()));
        }
    }

    private static int bits(String letters) {
        int bits = 0;
        for (int n = 0; n < letters.length(); n++) {
            int letter = LETTERS.indexOf(letters.charAt(n));
            bits |= letter < 0 ? 0 : BITS[letter];
        }
        return bits;
    }
}
