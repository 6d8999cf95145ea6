package org.jkvm.payloads;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.jkvm.hypervisor.Hypervisor;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.soft.SoftCpus;
import org.jkvm.soft.SoftHypervisor;

/** One body for every backend: each payload prints exactly what its assembly says. */
class PayloadTest {
    private final Hypervisor hypervisor = new SoftHypervisor();
    private final CpuModel model = SoftCpus.models().parse("max", 1, 1);

    @ParameterizedTest
    @ValueSource(strings = {
        "real-exceptions", "protected-exceptions", "long-exceptions", "task-switch", "call-gate", "virtual-8086", "paging",
        "crossing", "self-modifying", "shadows", "debugging", "device-access",
    })
    void printsWhatItsAssemblySays(String name) {
        Payload payload = Payload.load(name);
        try (PayloadMachine machine = new PayloadMachine(hypervisor, model)) {
            assertThat(machine.run(payload.code()).lines()).containsExactlyElementsOf(payload.expected());
        }
    }
}
