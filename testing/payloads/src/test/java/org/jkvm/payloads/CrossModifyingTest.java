package org.jkvm.payloads;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.ValueLayout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A processor executes what another wrote a moment ago, again and again: cross-modifying.s. */
class CrossModifyingTest {
    private static final int VALUES = 500;
    private static final int SEEN = 0x11_0000;
    private static final long LIMIT_NANOS = 60_000_000_000L;

    @ParameterizedTest
    @EnumSource(names = {"INTERPRETER", "TRANSLATOR"})
    void everyChangeArrives(TestBackend backend) throws InterruptedException {
        backend.assumePresent();
        try (SmpMachine machine = new SmpMachine(backend.hypervisor(), backend.models().parse("max", 2, 2), 2)) {
            machine.run(Payload.load("cross-modifying").code(), LIMIT_NANOS, (number, state) -> {
                state.general[0] = number;
                state.general[1] = VALUES;
            });
            assertThat(machine.memory().get(ValueLayout.JAVA_INT, SEEN)).isEqualTo(VALUES);
        }
    }
}
