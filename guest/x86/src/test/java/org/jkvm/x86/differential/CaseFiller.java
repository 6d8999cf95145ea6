package org.jkvm.x86.differential;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jkvm.base.Bits;
import org.jkvm.x64.HostCpu;
import org.jkvm.x64.HostFeatures;
import org.jkvm.x64.HostRegisters;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.isa.Row;

/** Makes up the registers and memory that one case starts with, so that memory operands lie in the scratch memory. */
final class CaseFiller {
    private static final int RAX = 0;
    private static final int RCX = 1;
    private static final int RDX = 2;
    private static final int RBX = 3;
    private static final int RSP = 4;
    private static final int RBP = 5;
    private static final int RSI = 6;
    private static final int RDI = 7;
    private static final int WINDOW = 96;
    private static final int MAX_OPERAND = 512;
    /** From any operand it is beyond the scratch memory, and in the cell. */
    private static final int BEYOND = 0x4_0000;
    private static final int FIRST_OPERAND = 0x1_8000;
    /** Leaves some operands beyond the segment's limit of 64 KiB. */
    private static final int FIRST_OPERAND_16 = 0x9000;
    private static final int TRAP_FLAG = 0x100;
    private static final Set<String> STRINGS = Set.of("MOVS", "CMPS", "STOS", "LODS", "SCAS");
    private static final Set<String> BIT_STRINGS = Set.of("BT", "BTS", "BTR", "BTC");

    private static final Set<String> PIECEWISE = Set.of("FLDENV", "FNSTENV", "FRSTOR", "FNSAVE", "BOUND", "MASKMOVQ",
            "MASKMOVDQU", "VMASKMOVDQU", "VMASKMOVPS", "VMASKMOVPD", "VPMASKMOVD", "VPMASKMOVQ");
    /** MXCSR.MM of AMD's processors, which Intel's refuse (AMD APM vol. 1, section 4.2.2). */
    private static final long AMD_MISALIGNED = 1 << 17;
    /** Offset of the header in an XSAVE area. */
    private static final int XSTATE_BV = 512;
    private static final int XSAVE_BYTES = 832;
    private static final Set<String> AREAS = Set.of("XSAVE", "XSAVEC", "XRSTOR");
    private static final int LIMIT_16 = 0xffff;
    private static final Set<String> NEAR_BRANCHES = Set.of("CALL", "JMP");

    private final RandomGenerator random;
    private final EdgeValues values;
    private final HostCpu host;
    private final HostRegisters before;
    private final MemorySegment memory;
    private long second;

    CaseFiller(RandomGenerator random, HostCpu host) {
        this.random = random;
        this.values = new EdgeValues(random);
        this.host = host;
        this.before = host.before();
        this.memory = host.memory();
    }

    /** Picks where a memory operand shall lie: often aligned, sometimes across pages. */
    long pickTarget() {
        long start = memory.address() + (host.dataBase() == 0 ? FIRST_OPERAND : FIRST_OPERAND_16);
        long offset = random.nextInt(64) * 64L;
        return start + switch (random.nextInt(8)) {
            case 0, 1, 2, 3 -> offset;
            case 4, 5 -> offset + 16L * random.nextInt(4);
            case 6 -> offset + random.nextInt(64);
            default -> 4096L * (1 + random.nextInt(8)) - random.nextInt(1, 16);
        };
    }

    /** Whether a candidate's addresses can be steered to {@code target} at all. */
    boolean steerable(Candidate c, long target) {
        Insn i = c.insn();
        if (host.dataBase() != 0 && offset(target) > LIMIT_16 - XSAVE_BYTES && staysInSegment(c.row())) {
            return false;
        }
        if (c.row().mnemonic().matches("SH[LR]D") && i.operandSize == 2 && !countable(i)) {
            return false;
        }
        if (!i.memory()) {
            return !NEAR_BRANCHES.contains(c.row().mnemonic()) || i.modrm < 0 || i.rm() != RSP; // RSP is the stack's.
        }
        if (AREAS.contains(c.row().mnemonic()) && (i.baseNumber == RAX || i.indexNumber == RAX)) {
            return false; // RAX says what to save.
        }
        boolean same = i.vsib < 0 && i.baseNumber >= 0 && i.baseNumber == i.indexNumber;
        boolean wideStack = i.baseNumber == RSP && Math.abs(i.disp) > 0x800;
        boolean bitOffset = BIT_STRINGS.contains(c.row().mnemonic())
                && (sourceNumber(i) == i.baseNumber || sourceNumber(i) == i.indexNumber || sourceNumber(i) == RSP);
        return !same && !wideStack && !bitOffset;
    }

    /**
     * Whether its memory operand must not be near the end of a 64 KiB segment: what is accessed in pieces may wrap round or
     * fault there, as the processor likes (AMD's load the last two of ten bytes from beyond); a branch must find its target
     * where it was put.
     */
    private static boolean staysInSegment(Row row) {
        String name = row.mnemonic();
        return AREAS.contains(name) || PIECEWISE.contains(name) || NEAR_BRANCHES.contains(name)
                || row.operands().stream().anyMatch(operand -> operand.text().equals("Mt"));
    }

    /** Whether a shift count of at most 16 can be had: it is one, or RCX is free for it. */
    private static boolean countable(Insn i) {
        return (i.imm & 0x1f) <= 16 && i.baseNumber != RCX && i.indexNumber != RCX;
    }

    private static int sourceNumber(Insn i) {
        return i.reg() + ((i.rex & 4) != 0 ? 8 : 0);
    }

    /**
     * Fills {@link HostCpu#before} and memory around the memory operand.
     *
     * @param wanted where the memory operand should be
     * @return where it is: elsewhere only if RSP is its base
     */
    long fill(Candidate c, long wanted) {
        for (int n = 0; n < 16; n++) {
            before.general(n, values.integer());
        }
        before.general(RSP, host.stackPointer() + 8L * random.nextInt(-16, 16));
        boolean onStack = c.insn().memory() && c.insn().baseNumber == RSP;
        long target = onStack ? linear(before.general(RSP) + c.insn().disp) : wanted;
        before.rflags(random.nextInt(0x1000) & HostCpu.INPUT_FLAGS);
        if (c.usesVectors()) {
            floatingPoint();
        }
        fillMemory(target);
        special(c, target);
        steer(c.insn(), target);
        for (int n = 0; n < 16 && !c.insn().bits64; n++) {
            before.general(n, before.general(n) & 0xffff_ffffL);
        }
        return target;
    }

    private void fillMemory(long around) {
        for (int at = -WINDOW; at < WINDOW; at += 8) {
            put(around + at, values.vectorHalf());
        }
    }

    /** Where the last case's second memory operand was: the destination of string instructions. */
    long secondTarget() {
        return second;
    }

    /** Whether {@code row} is an instruction that REP repeats. */
    static boolean isString(Row row) {
        return STRINGS.contains(row.mnemonic()) && !row.hasModrm();
    }

    private void floatingPoint() {
        for (int n = 0; n < 16; n++) {
            before.xmm(n, 0, values.vectorHalf());
            before.xmm(n, 1, values.vectorHalf());
            if (HostFeatures.hasAvx()) {
                before.upper(n, 0, values.vectorHalf());
                before.upper(n, 1, values.vectorHalf());
            }
        }
        for (int n = 0; n < 8; n++) {
            before.st(n, values.signExponent(), values.significand());
        }
        before.controlWord(0x7f | random.nextInt(4) << 10 | (random.nextInt(4) == 0 ? random.nextInt(4) : 3) << 8);
        before.statusWord(random.nextInt(8) << 11 | random.nextInt(0x10000) & 0x477f);
        int tags = random.nextInt(4) == 0 ? random.nextInt(256) : 0xff;
        before.fx().set(ValueLayout.JAVA_BYTE, HostRegisters.FTW, (byte) tags);
        int modes = random.nextInt(4) == 0 ? random.nextInt(0x10000) & 0xe040 : random.nextInt(4) << 13;
        int masks = random.nextInt(4) == 0 ? random.nextInt(64) : 0x3f;
        before.mxcsr(masks << 7 | modes | random.nextInt(64));
    }

    /** Points base, or displacement's index, so that the ModRM operand is at {@code target}. */
    private void steer(Insn i, long target) {
        if (!i.memory() || i.ripRelative) {
            return;
        }
        if (i.vsib >= 0) {
            indices(i);
        }
        if (i.baseNumber < 0 || i.baseNumber == RSP) {
            if (i.indexNumber >= 0 && i.vsib < 0) {
                before.general(i.indexNumber, 0);
            }
            return;
        }
        long index = i.indexNumber < 0 || i.vsib >= 0 ? 0 : before.general(i.indexNumber) << i.scale;
        before.general(i.baseNumber, noisy(i, offset(target) - i.disp - index));
    }

    private void special(Candidate c, long target) {
        String mnemonic = c.row().mnemonic();
        second = target;
        if (isString(c.row())) {
            strings(c.insn(), target);
        } else if (BIT_STRINGS.contains(mnemonic)) {
            int n = sourceNumber(c.insn());
            before.general(n, random.nextInt(-0x8000, 0x8000));
        }
        switch (mnemonic) {
            case "DIV", "IDIV" -> dividend(c.insn().operandSize);
            case "XLAT" -> before.general(RBX, offset(target));
            case "MASKMOVQ", "MASKMOVDQU", "VMASKMOVDQU" -> before.general(RDI, offset(target));
            case "LEAVE", "ENTER" -> before.general(RBP, host.stackPointer() + 8L * random.nextInt(-8, 8));
            case "POPF", "POPFD", "POPFQ" -> clearTrapFlag();
            case "CMPXCHG", "CMPXCHG8B", "CMPXCHG16B" -> maybeEqual(target);
            case "SHLD", "SHRD" -> shiftCount(c.insn());
            case "RET", "RETN", "CALL", "JMP" -> branchTargets(c.insn(), target);
            case "FXRSTOR", "FLDENV", "FRSTOR" -> image(target);
            case "LDMXCSR", "VLDMXCSR" -> put(target, random.nextBoolean() ? before.mxcsr() : get(target) & ~AMD_MISALIGNED);
            case "XSAVE", "XSAVEC" -> components();
            case "XRSTOR" -> {
                components();
                xsaveArea(target);
            }
            case "LOOP", "LOOPE", "LOOPNE", "JCXZ", "JECXZ", "JRCXZ" -> before.general(RCX, random.nextInt(3));
            default -> {
                // Any values do.
            }
        }
    }

    private void strings(Insn i, long target) {
        second = random.nextInt(4) == 0 ? target + random.nextInt(-24, 24) : pickTarget();
        fillMemory(second);
        before.general(RSI, noisy(i, offset(target)));
        before.general(RDI, noisy(i, offset(second)));
        before.general(RCX, noisy(i, random.nextInt(20)));
        if (random.nextBoolean()) {
            long value = get(target);
            before.general(RAX, value);
            for (int at = 0; at < 16; at += 8) {
                put(second + at, value);
            }
        }
    }

    /** Shifting words by more than 16 leaves everything undefined (SDM vol. 2B, SHLD). */
    private void shiftCount(Insn i) {
        if (i.operandSize == 2) {
            before.general(RCX, values.integer() & ~0x1f | random.nextInt(17));
        }
    }

    /** Makes the high half of the dividend small, so that most quotients fit. */
    private void dividend(int size) {
        if (random.nextInt(8) != 0) {
            boolean negative = random.nextBoolean();
            before.general(RDX, negative ? -random.nextInt(1, 4) : random.nextInt(4));
            if (size == 2) {
                before.general(RAX, random.nextInt(0x4000));
            }
        }
    }

    private void clearTrapFlag() {
        put(linear(before.general(RSP)), random.nextInt(0x10000) & ~TRAP_FLAG);
    }

    private void maybeEqual(long target) {
        if (random.nextBoolean()) {
            before.general(RAX, get(target));
            before.general(RDX, get(target + 8));
        }
    }

    /** Near branches go to the branch target: through a register, through memory, or from the stack. */
    private void branchTargets(Insn i, long target) {
        long to = host.branchTarget();
        put(target, to);
        put(linear(before.general(RSP)), to);
        if (i.modrm >= 0xc0) {
            before.general(i.rm() + ((i.rex & 1) != 0 ? 8 : 0), to);
        }
    }

    /** An image that FXRSTOR, FLDENV or FRSTOR often accepts: everything masked, reserved bits clear. */
    private void image(long target) {
        MemorySegment image = memory.asSlice(target - memory.address(), MAX_OPERAND);
        image.copyFrom(before.fx());
        image.set(ValueLayout.JAVA_INT_UNALIGNED, HostRegisters.MXCSR, before.mxcsr());
    }

    /** What XSAVE and XRSTOR shall save and restore: x87, SSE, AVX. */
    private void components() {
        before.general(RAX, random.nextInt(8));
    }

    /** An area that XRSTOR often accepts, in either format (SDM vol. 1, section 13.4). */
    private void xsaveArea(long target) {
        image(target);
        long layout = random.nextBoolean() ? 0 : Long.MIN_VALUE | random.nextInt(8);
        long wanted = layout == 0 || random.nextInt(8) == 0 ? 7 : layout & 7;
        put(target + XSTATE_BV, random.nextInt(8) & wanted);
        put(target + XSTATE_BV + 8, layout);
        for (int at = 16; at < 64; at += 8) {
            put(target + XSTATE_BV + at, random.nextInt(64) == 0 ? 1 : 0);
        }
        for (int at = XSTATE_BV + 64; at < XSAVE_BYTES; at += 8) {
            put(target + at, values.vectorHalf());
        }
    }

    /** Indices near the base or, seldom, beyond the scratch memory; half of them are not wanted. */
    private void indices(Insn i) {
        boolean wide = (i.row.code() & 1) != 0;
        for (int at = 0; at < 32; at += wide ? 8 : 4) {
            int index = random.nextInt(128) == 0 ? BEYOND >> i.scale : random.nextInt(-8, 8);
            before.vector(i.indexNumber, at, wide ? 8 : 4, index);
        }
    }

    /** {@code address} with anything above what the address size looks at. */
    private long noisy(Insn i, long address) {
        int bits = 8 * i.addressSize;
        return address & Bits.mask(bits) | values.integer() & ~Bits.mask(bits);
    }

    private long offset(long linear) {
        return linear - host.dataBase();
    }

    private long linear(long offset) {
        return offset + host.dataBase();
    }

    private long get(long address) {
        return memory.get(JAVA_LONG_UNALIGNED, address - memory.address());
    }

    private void put(long address, long value) {
        memory.set(JAVA_LONG_UNALIGNED, address - memory.address(), value);
    }
}
