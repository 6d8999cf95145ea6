package org.jkvm.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.util.List;
import org.jkvm.base.register.RegisterFile;
import org.junit.jupiter.api.Test;

class RegisterPagesTest {
    private final RegisterFile file = new RegisterFile("chip").summary("A chip").source("Its datasheet, section 1");

    @Test
    void pageSaysWhatIsDeclared() {
        file.register("CTL", 4, 16).reset(0x12).summary("Control").field("MODE", 3, 1, "Mode")
                .unmodelled("FAST", 0, 0, "Faster");
        file.register("STS", 6, 8).bank("BANK=1", () -> true).readOnly();
        assertThat(RegisterPages.render("chip", RegisterPagesTest.class, List.of(file))).endsWith("""
                ## chip

                A chip. Source: Its datasheet, section 1.

                | offset | register | seen when | bits | reset | access | purpose |
                | --- | --- | --- | --- | --- | --- | --- |
                | 4h | CTL | | 16 | 12h | RW | Control |
                | 6h | STS | BANK=1 | 8 | 0h | RO | |

                | register | bits | field | meaning |
                | --- | --- | --- | --- |
                | CTL | 3:1 | MODE | Mode |
                | CTL | 0 | FAST | Faster *(does nothing here)* |
                """);
    }

    @Test
    void missingPageFailsAndSaysWhatToDo() {
        assumeFalse(Boolean.getBoolean(RegisterPages.REGENERATE), "pages are being written, not checked");
        assertThatThrownBy(() -> RegisterPages.check("no-such-chip", RegisterPagesTest.class, List.of(file)))
                .isInstanceOf(AssertionError.class).hasMessageContaining("-Djkvm.regenerate=true");
    }
}
