package org.jkvm.x86;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.jkvm.x86.differential.Exclusions;
import org.jkvm.x86.isa.OpcodeTable;
import org.jkvm.x86.isa.Operand;
import org.jkvm.x86.isa.Row;

/** Keeps docs/isa/x86.md equal to the opcode tables; {@code -Djkvm.regenerate=true} writes it. */
class IsaPageTest {
    private static final String HEAD = """
            # x86 instructions

            Generated from the opcode tables by `IsaPageTest` (`-Djkvm.regenerate=true`); do not edit. Every row is
            implemented by the interpreter: %d rows, of them %d tested against the host CPU by `DifferentialTest`, in 16-bit,
            32-bit and 64-bit code, in every operand size, with registers and with memory. The others cannot run in a user
            process; the last column says why. Of privileged ones it is their #GP that is compared.

            Operand codes are those of the SDM, vol. 2D, appendix A.2, and v for memory at a vector of indices. Flags read,
            written and undefined are o(verflow), s(ign), z(ero), a(uxiliary), p(arity), c(arry), d(irection).

            | opcode | mnemonic | operands | CPUID | 64-bit | reads | writes | undefined | against the host CPU |
            |---|---|---|---|---|---|---|---|---|
            """;

    @Test
    void thePageInTheRepositoryIsThatOfTheTables() throws IOException {
        Path page = root().resolve("docs/isa/x86.md");
        String text = page();
        if (Boolean.getBoolean("jkvm.regenerate")) {
            Files.createDirectories(page.getParent());
            Files.writeString(page, text);
        }
        assertThat(page).as("write it with -Djkvm.regenerate=true").exists();
        assertThat(Files.readString(page)).as("stale: write it with -Djkvm.regenerate=true").isEqualTo(text);
    }

    private static Path root() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.exists(folder.resolve("docs"))) {
            folder = folder.getParent();
        }
        return folder;
    }

    private static String page() {
        var rows = OpcodeTable.x86().rows();
        long tested = rows.stream().filter(r -> Exclusions.reason(r) == null).count();
        return HEAD.formatted(rows.size(), tested) + rows.stream().map(IsaPageTest::line).collect(Collectors.joining());
    }

    private static String line(Row row) {
        String operands = row.operands().stream().map(Operand::text).collect(Collectors.joining(", "));
        String reason = Exclusions.reason(row);
        return "| %s | %s | %s | %s | %s | %s | %s | %s | %s |%n".formatted(row.opcode(), row.mnemonic(), operands,
                row.feature().name().toLowerCase(java.util.Locale.ROOT), mode(row), row.flagsRead(), row.flagsWritten(),
                row.flagsUndefined(), reason != null ? reason : Exclusions.alwaysFaults(row) ? "#GP" : "yes");
    }

    private static String mode(Row row) {
        return switch (row.mode()) {
            case ANY -> "";
            case I64 -> "no";
            case O64 -> "only";
            case D64 -> "default 64";
            case F64 -> "always 64";
        };
    }
}
