package org.jkvm.x86.differential;

import java.util.Map;
import java.util.Set;
import org.jkvm.x86.isa.Operand;
import org.jkvm.x86.isa.Row;

/** Rows that the host's user mode cannot try, and why. */
public final class Exclusions {
    private static final String KERNEL = "enters the kernel";
    private static final String MACHINE = "result depends on the machine";
    private static final String IDT = "delivered through the IDT";
    private static final String FAR = "far control transfer";
    private static final String TABLES = "reads the kernel's descriptor tables";
    private static final Map<String, String> BY_MNEMONIC = Map.ofEntries(
            Map.entry("SYSCALL", KERNEL), Map.entry("SYSENTER", KERNEL), Map.entry("INT", IDT),
            Map.entry("INT1", IDT), Map.entry("INT3", IDT), Map.entry("INTO", IDT),
            Map.entry("IRET", FAR), Map.entry("RETF", FAR), Map.entry("CALLF", FAR), Map.entry("JMPF", FAR),
            Map.entry("CPUID", MACHINE), Map.entry("RDTSC", MACHINE), Map.entry("RDTSCP", MACHINE),
            Map.entry("RDPMC", MACHINE), Map.entry("RDRAND", MACHINE), Map.entry("RDSEED", MACHINE),
            Map.entry("RDPID", MACHINE), Map.entry("XGETBV", MACHINE),
            Map.entry("XSAVEOPT", MACHINE),
            Map.entry("FSTPNCE", "undocumented"), Map.entry("LAR", TABLES), Map.entry("LSL", TABLES),
            Map.entry("VERR", TABLES), Map.entry("VERW", TABLES),
            Map.entry("SGDT", TABLES), Map.entry("SIDT", TABLES), Map.entry("SLDT", TABLES), Map.entry("STR", TABLES),
            Map.entry("SMSW", TABLES));
    /** Whose last bit is open, so that C1 and #P are too. */
    private static final Set<String> APPROXIMATE = Set.of("F2XM1", "FYL2X", "FYL2XP1", "FPATAN", "FPTAN", "FSIN", "FCOS",
            "FSINCOS");
    private static final Set<String> RECIPROCALS = Set.of("RCPPS", "RCPSS", "RSQRTPS", "RSQRTSS", "VRCPPS", "VRCPSS",
            "VRSQRTPS", "VRSQRTSS");
    private static final Set<String> BASES = Set.of("RDFSBASE", "RDGSBASE", "WRFSBASE", "WRGSBASE");
    private static final Set<String> FAR_POINTERS = Set.of("LDS", "LES", "LFS", "LGS", "LSS");
    /** Need an I/O privilege level that the host's user mode does not have. */
    private static final Set<String> IO = Set.of("IN", "OUT", "INS", "OUTS", "CLI", "STI");

    private Exclusions() {
    }

    /** Why {@code row} cannot be tried, or null where it can. */
    public static String reason(Row row) {
        String mnemonic = row.mnemonic();
        if (BY_MNEMONIC.containsKey(mnemonic)) {
            return BY_MNEMONIC.get(mnemonic);
        }
        if (APPROXIMATE.contains(mnemonic)) {
            return "to one unit in the last place, by X87HostTest";
        }
        if (RECIPROCALS.contains(mnemonic)) {
            return "to a relative error of 1.5 / 4096, by ApproximationTest";
        }
        if (BASES.contains(mnemonic)) {
            return "the host's own segment bases";
        }
        return segmentReason(row);
    }

    /** Whether user mode only ever gets #GP from {@code row}. */
    public static boolean alwaysFaults(Row row) {
        return row.isPrivileged() || IO.contains(row.mnemonic());
    }

    /**
     * Whether AMD's and Intel's processors part ways in a form of {@code row}: CVTPI2PS from memory makes the x87 registers
     * MMX registers on Intel's alone (SDM vol. 2A, CVTPI2PS).
     */
    static boolean isVendors(Row row, Form form) {
        return row.mnemonic().equals("CVTPI2PS") && form.memory();
    }

    private static String segmentReason(Row row) {
        boolean loads = FAR_POINTERS.contains(row.mnemonic()) || row.mnemonic().equals("POP") && names(row, 's')
                || row.mnemonic().equals("MOV") && !row.operands().isEmpty() && row.operands().getFirst().method() == 'S';
        if (loads) {
            return "segment load";
        }
        boolean far = row.operands().stream().anyMatch(o -> o.method() == 'A' || o.type().equals("p"));
        return far ? FAR : null;
    }

    private static boolean names(Row row, char method) {
        return row.operands().stream().map(Operand::method).anyMatch(m -> m == method);
    }
}
