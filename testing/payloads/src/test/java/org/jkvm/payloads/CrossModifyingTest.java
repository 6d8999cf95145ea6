package org.jkvm.payloads;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.ValueLayout;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.soft.SoftHypervisor;
import org.jkvm.soft.SoftOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a processor executes was written by another, or by itself: cross-modifying.s, private-code.s, shared-code.s, written-code.s. */
class CrossModifyingTest {
    private static final int VALUES = 500;
    private static final int SEEN = 0x11_0000;
    /** The program has ten. */
    private static final int MOST_BLOCKS = 50;
    private static final int BLOCKS_OF_FUNCTION = 3;
    private static final int FUNCTIONS = 10_000;
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

    /** What a page's code was decoded to is kept while nobody writes the page, though another processor could have. */
    @ParameterizedTest
    @CsvSource({"INTERPRETER,3_000_000", "TRANSLATOR,100_000_000"})
    void codeThatNobodyWritesIsKept(TestBackend backend, String calls) throws InterruptedException {
        backend.assumePresent();
        try (SmpMachine machine = new SmpMachine(backend.hypervisor(), backend.models().parse("max", 2, 2), 2)) {
            machine.run(Payload.load("private-code").code(), LIMIT_NANOS, (number, state) -> {
                state.general[0] = number;
                state.general[1] = Integer.parseInt(calls.replace("_", ""));
            });
            assertThat(machine.describeEngines()).hasSize(2).allSatisfy(text -> assertThat(number("blocks decoded", text)).isBetween(1, MOST_BLOCKS));
        }
    }

    /** What one processor translated the other copies, unless it is something else by now. */
    @Test
    void translationsAreSharedUntilCodeChanges() throws InterruptedException {
        TestBackend.TRANSLATOR.assumePresent();
        CpuModel model = TestBackend.TRANSLATOR.models().parse("max", 2, 2);
        try (SmpMachine machine = new SmpMachine(TestBackend.TRANSLATOR.hypervisor(), model, 2)) {
            machine.run(Payload.load("shared-code").code(), LIMIT_NANOS, (number, state) -> state.general[0] = number);
            assertThat(machine.memory().asSlice(SEEN, 12).toArray(ValueLayout.JAVA_INT)).containsExactly(70, 70, 7000);
            assertThat(number("copied", machine.describeEngines().get(1))).isGreaterThanOrEqualTo(BLOCKS_OF_FUNCTION);
        }
    }

    /** Who writes code is stopped once for each function, not for each byte; code beside data is not decoded for ever. */
    @Test
    void writingCodeIsCheap() throws InterruptedException {
        TestBackend.TRANSLATOR.assumePresent();
        CpuModel model = TestBackend.TRANSLATOR.models().parse("max", 1, 1);
        try (SmpMachine machine = new SmpMachine(new SoftHypervisor(SoftOptions.DEFAULT), model, 1)) {
            machine.run(Payload.load("written-code").code(), LIMIT_NANOS, (number, state) -> state.general[5] = FUNCTIONS);
            assertThat(machine.memory().asSlice(SEEN, 8).toArray(ValueLayout.JAVA_INT))
                    .containsExactly(FUNCTIONS * (FUNCTIONS + 1) / 2, FUNCTIONS);
            String engine = machine.describeEngines().getFirst();
            assertThat(number("STEP", engine)).isLessThan(4 * FUNCTIONS);
            assertThat(number("blocks decoded", engine)).isLessThan(FUNCTIONS + 4 * MOST_BLOCKS);
        }
    }

    private static int number(String what, String engine) {
        Matcher found = Pattern.compile(what + " (\\d+)").matcher(engine);
        assertThat(found.find()).isTrue();
        return Integer.parseInt(found.group(1));
    }
}
