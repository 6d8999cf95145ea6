package org.jkvm.payloads;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.jkvm.hypervisor.x86.CpuModel;

/** One body for both executors of the software engine: each payload prints exactly what its assembly says. */
@ParameterizedClass
@EnumSource(names = {"INTERPRETER", "TRANSLATOR", "LOCK_STEP"})
class PayloadTest {
    private final TestBackend backend;

    PayloadTest(TestBackend backend) {
        this.backend = backend;
    }

    @BeforeEach
    void needsTheBackend() {
        backend.assumePresent();
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "real-exceptions", "protected-exceptions", "long-exceptions", "task-switch", "call-gate", "virtual-8086", "paging",
        "crossing", "astride", "astride-32", "self-modifying", "stale-code", "twins", "spans", "apart", "loops", "corners",
        "shadows", "debugging", "device-access", "limits", "real-limits", "system-calls", "far-code", "wide-code",
    })
    void printsWhatItsAssemblySays(String name) {
        Payload payload = Payload.load(name);
        CpuModel model = backend.models().parse("max", 1, 1);
        try (PayloadMachine machine = new PayloadMachine(backend.hypervisor(), model)) {
            assertThat(machine.run(payload.code()).lines()).containsExactlyElementsOf(payload.expected());
        }
    }
}
