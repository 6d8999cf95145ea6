package org.jkvm.x86.translate;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.isa.Operand;
import org.jkvm.x86.isa.Row;

/** How a row is translated. */
enum Recipe {
    /** Passed through; the first operand is read and written. */
    CHANGE,
    /** Passed through; the first operand is written only. */
    WRITE,
    /** Passed through; no operand is written. */
    READ,
    /** Passed through; both operands are written. */
    EXCHANGE,
    /** Passed through; vector registers, and general ones at most beside them. */
    VECTOR,
    /** Passed through; vector registers, and memory that need not be aligned. */
    VECTOR_UNALIGNED,
    /** Passed through; MMX registers, and others at most beside them. */
    MMX,
    /** Written by {@link X87Code}. */
    X87,
    /** Nothing happens. */
    NOTHING,
    /** Written by {@link IntegerCode}, {@link StackCode}, {@link BranchCode} and their like. */
    CUSTOM,
    /** Written by {@link SystemCode}, {@link TransferCode}, {@link FarCode}; needs nothing of the host. Flags are in memory. */
    SYSTEM,
    /** Left to the interpreter. */
    LEAVE;

    private static final Map<String, Recipe> BY_MNEMONIC = Stream.of(
            named(CHANGE, "ADD OR ADC SBB AND SUB XOR NOT NEG ROL ROR RCL RCR SHL SHR SAL SAR SHLD SHRD BSF BSR CMPXCHG "
                    + "CRC32 ADCX ADOX"),
            named(WRITE, "MOVZX MOVSX MOVSXD TZCNT LZCNT POPCNT MOVNTI MOVBE ANDN BLSR BLSMSK BLSI BEXTR BZHI PEXT PDEP SHLX SARX "
                    + "SHRX RORX"),
            named(READ, "CMP TEST MUL"),
            named(EXCHANGE, "XADD MULX"),
            named(NOTHING, "PREFETCH PREFETCHW PAUSE"),
            named(CUSTOM, "LEA BSWAP INC DEC XCHG NOP PUSH POP LEAVE CALL RET JMP CBW CWD CMC CLC STC CLD STD DIV IDIV IMUL MOV "
                    + "BT BTS BTR BTC JCXZ LOOP LOOPE LOOPNE MFENCE LFENCE SFENCE CMPXCHG8B "
                    + "CLI STI PUSHF POPF MOVS STOS LODS SCAS CMPS SWAPGS LES LDS LFS LGS XLAT PUSHA POPA"),
            named(SYSTEM, "RDTSC RDTSCP SYSCALL SYSRET IRET JMPF CALLF RETF INT INT3 STAC CLAC RDFSBASE RDGSBASE WRFSBASE "
                    + "WRGSBASE"))
            .flatMap(Set::stream).collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    private static final String VECTOR_OPERANDS = "VWUHL";
    private static final String MMX_OPERANDS = "PQN";
    private static final Set<String> UNALIGNED = Set.of("MOVUPS", "MOVUPD", "MOVDQU", "LDDQU", "PCMPESTRI", "PCMPESTRM",
            "PCMPISTRI", "PCMPISTRM");
    private static final Set<String> VEX_ALIGNED = Set.of("VMOVAPS", "VMOVAPD", "VMOVDQA", "VMOVNTPS", "VMOVNTPD", "VMOVNTDQ",
            "VMOVNTDQA");
    /** Their results depend on the host (SDM vol. 1, section 11.6.1), or they store through RDI. */
    private static final Set<String> NOT_VECTOR = Set.of("RCPPS", "RCPSS", "RSQRTPS", "RSQRTSS", "MASKMOVDQU",
            "VRCPPS", "VRCPSS", "VRSQRTPS", "VRSQRTSS", "VMASKMOVDQU", "MASKMOVQ");
    /** Their last bit depends on the host, or they change what is taken for granted: masks, or the pointers. */
    private static final Set<String> NOT_X87 = Set.of("F2XM1", "FYL2X", "FYL2XP1", "FPATAN", "FPTAN", "FSIN", "FCOS", "FSINCOS",
            "FSTPNCE", "FNENI", "FNDISI", "FNSETPM", "FNCLEX", "FNINIT", "FLDENV", "FNSTENV", "FRSTOR", "FNSAVE");

    /** Whether it works on registers of the x87 unit. */
    boolean isX87() {
        return this == X87 || this == MMX;
    }

    /** Whether {@code i}, which is translated like this, works on vector registers. */
    boolean usesVectors(Insn i) {
        return this == VECTOR || this == VECTOR_UNALIGNED || this == MMX && has(i.row, VECTOR_OPERANDS);
    }

    /** What was found out already: the same for ever. */
    private static final Map<Row, Recipe> KNOWN = new ConcurrentHashMap<>();

    private static Set<Map.Entry<String, Recipe>> named(Recipe recipe, String mnemonics) {
        return Stream.of(mnemonics.split(" ")).map(m -> Map.entry(m, recipe)).collect(Collectors.toSet());
    }

    /** How {@code i} is translated; a row that is not in the tables (an undefined opcode) is left. */
    static Recipe of(Insn i) {
        Row row = i.row;
        return row == null || isLeft(i) ? LEAVE : KNOWN.computeIfAbsent(row, Recipe::ofRow);
    }

    private static Recipe ofRow(Row row) {
        Recipe recipe = readsControl(row) ? SYSTEM : byName(row);
        if (row.isPrivileged() && recipe != SYSTEM && !row.mnemonic().equals("SWAPGS")) {
            return LEAVE;
        }
        if (recipe == LEAVE && isX87Escape(row)) {
            return NOT_X87.contains(row.mnemonic()) ? LEAVE : X87;
        }
        return recipe == LEAVE ? vector(row) : recipe;
    }

    /** MOV from CRn. */
    private static boolean readsControl(Row row) {
        return row.map() == 1 && row.code() == 0x20;
    }

    /** D8h to DFh, and FWAIT. */
    private static boolean isX87Escape(Row row) {
        return row.map() == 0 && ((row.code() & 0xf8) == 0xd8 || row.code() == 0x9b);
    }

    private static boolean has(Row row, String methods) {
        for (Operand operand : row.operands()) {
            if (methods.indexOf(operand.method()) >= 0) {
                return true;
            }
        }
        return false;
    }

    /**
     * Forms that are left: LODS, SCAS and CMPS with REP, BSWAP of 16 bits, which is undefined, PAUSE
     * with REX.B, which is XCHG, VZEROUPPER of eight registers only, CVTPI2PS from memory, in which vendors part ways
     * (SDM vol. 2A, CVTPI2PS).
     */
    private static boolean isLeft(Insn i) {
        return switch (i.row.mnemonic()) {
            case "LODS", "SCAS", "CMPS" -> i.rep != 0;
            case "BSWAP" -> i.dstSize == 2;
            case "CVTPI2PS" -> i.src == Insn.MEM;
            case "PAUSE" -> (i.rex & 1) != 0;
            case "VZEROUPPER", "VZEROALL" -> !i.bits64;
            default -> false;
        };
    }

    private static Recipe byName(Row row) {
        String name = row.mnemonic();
        if (name.startsWith("CMOV")) {
            return CHANGE;
        }
        if (name.startsWith("SET")) {
            return WRITE;
        }
        return isConditionalJump(row) ? CUSTOM : BY_MNEMONIC.getOrDefault(name, LEAVE);
    }

    /** Jcc, in both its lengths. */
    static boolean isConditionalJump(Row row) {
        return row.map() == 0 && (row.code() & 0xf0) == 0x70 || row.map() == 1 && (row.code() & 0xf0) == 0x80;
    }

    private static Recipe vector(Row row) {
        if (row.mnemonic().startsWith("VZERO")) {
            return VECTOR;
        }
        boolean mmx = has(row, MMX_OPERANDS) || row.mnemonic().equals("EMMS");
        if (!mmx && !has(row, VECTOR_OPERANDS) || NOT_VECTOR.contains(row.mnemonic()) || row.mnemonic().contains("GATHER")) {
            return LEAVE;
        }
        if (mmx) {
            return MMX;
        }
        if (row.isVex()) {
            return VEX_ALIGNED.contains(row.mnemonic()) ? VECTOR : VECTOR_UNALIGNED;
        }
        return UNALIGNED.contains(row.mnemonic()) ? VECTOR_UNALIGNED : VECTOR;
    }
}
