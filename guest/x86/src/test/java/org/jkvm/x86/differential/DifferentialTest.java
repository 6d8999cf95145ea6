package org.jkvm.x86.differential;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.jkvm.x64.CodeCache;
import org.jkvm.x86.cpuid.CpuidTable;
import org.jkvm.x86.isa.OpcodeTable;
import org.jkvm.x86.isa.Row;

/**
 * Every user-mode row of the opcode tables, in every operand size, with registers and memory, interpreted and translated,
 * against the host CPU.
 *
 * <p>{@code -Djkvm.differential.seed=N} repeats a run, {@code -Djkvm.differential.cases=N} sets the cases a form (200),
 * {@code -Djkvm.differential.row=TEXT} picks the rows whose opcode and mnemonic contain the text.
 */
class DifferentialTest {
    private static final long SEED = Long.getLong("jkvm.differential.seed", System.nanoTime());
    private static final int CASES = Integer.getInteger("jkvm.differential.cases", 200);
    private static final int FAULT_CASES = 8;
    private static final String ONLY = System.getProperty("jkvm.differential.row", "");

    @BeforeAll
    static void needsAnX86Host() {
        Assumptions.assumeTrue(CodeCache.isHostSupported(), "the host is not x86-64");
    }

    @ParameterizedTest
    @CsvSource({"64, false", "32, false", "16, false", "64, true", "32, true", "16, true"})
    void everyRowDoesWhatTheHostDoes(int bits, boolean translated) {
        System.out.printf("differential test, %d-bit code, %s: -Djkvm.differential.seed=%d%n", bits,
                translated ? "translated" : "interpreted", SEED);
        CpuidTable features = HostCpuid.read();
        List<String> failures = new ArrayList<>();
        List<String> untried = new ArrayList<>();
        try (Trial trial = new Trial(bits, features, translated)) {
            for (Row row : OpcodeTable.x86().rows()) {
                if (!row.toString().contains(ONLY) || !exists(row, bits)) {
                    continue;
                }
                String reason = available(features, row) ? Exclusions.reason(row) : "the host lacks " + row.feature();
                if (reason == null) {
                    tryRow(trial, row, bits, failures);
                } else {
                    untried.add(row + ": " + reason);
                }
            }
            System.out.printf("%d cases; not tried natively: %s%n", trial.executed(), untried);
        }
        assertThat(failures).as("rows that differ from the host CPU, seed %d", SEED).isEmpty();
    }

    private static boolean available(CpuidTable features, Row row) {
        return (features.features() & row.feature().bit()) != 0;
    }

    private static boolean exists(Row row, int bits) {
        return row.mode() != (bits == 64 ? Row.Mode.I64 : Row.Mode.O64);
    }

    private static void tryRow(Trial trial, Row row, int bits, List<String> failures) {
        int cases = 0;
        for (Form form : forms(row, bits)) {
            Trial.Result result = trial.run(row, form, cases(row, bits), SEED);
            cases += result.cases();
            if (result.failures() > 0) {
                failures.add("%s, %s: %d of %d cases (%d faults)%n  %s".formatted(row, form, result.failures(),
                        result.cases(), result.faults(), String.join("\n  ", result.reports())));
            }
        }
        if (cases < cases(row, bits)) {
            failures.add(row + ": tried " + cases + " times only, no encoding found");
        }
    }

    /** In 16-bit and 32-bit code fewer of what 64-bit code has too. */
    private static int cases(Row row, int bits) {
        if (Exclusions.alwaysFaults(row)) {
            return FAULT_CASES;
        }
        return bits == 64 || row.mode() == Row.Mode.I64 ? CASES : Math.max(1, CASES / 3);
    }

    /** Every form that may exist; those that don't yield no case. */
    static List<Form> forms(Row row, int bits) {
        List<Form> forms = new ArrayList<>();
        int[] all = bits == 64 ? new int[] {2, 4, 8} : new int[] {2, 4};
        int[] sizes = CandidateMaker.isSized(row) ? all : new int[] {bits == 16 ? 2 : 4};
        boolean string = CaseFiller.isString(row);
        for (int size : sizes) {
            if (row.form() != 'm') {
                forms.add(new Form(bits, size, false, false, 0));
            }
            if (row.form() != 'r' && row.hasModrm()) {
                forms.add(new Form(bits, size, true, false, 0));
            }
            if (row.isLockable()) {
                forms.add(new Form(bits, size, true, true, 0));
            }
            if (string) {
                forms.add(new Form(bits, size, false, false, 0xf3));
                forms.add(new Form(bits, size, false, false, 0xf2));
            }
        }
        forms.removeIf(form -> Exclusions.isVendors(row, form));
        return forms;
    }
}
