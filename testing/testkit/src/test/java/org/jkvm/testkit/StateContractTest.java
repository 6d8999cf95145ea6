package org.jkvm.testkit;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.jkvm.base.Line;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;
import org.jkvm.base.time.ManualClock;
import org.junit.jupiter.api.Test;

/** The contract must find the mistakes that it is there for. */
class StateContractTest {
    /** A chip that counts the writes to its register, and can be made to do its saving wrong. */
    private static class Counter implements Stateful {
        final RegisterFile file = new RegisterFile("counter");
        final Line line;
        int writes;
        transient int unimportant;

        Counter(Line line) {
            this.line = line;
            file.register("COUNT", 0, 8).onWrite(v -> count());
        }

        void count() {
            writes++;
            unimportant += 2;
            line.set(writes % 2 == 1);
        }

        @Override
        public void exchangeState(StateIo io) {
            io.part("file", file);
            writes = io.u32("writes", writes);
        }
    }

    private static StateContract.Rig rig(Counter counter, FakeLine line) {
        return new StateContract.Rig(counter, List.of(counter.file), new ManualClock(), List.of(line), List.of());
    }

    @Test
    void chipThatKeepsItsStatePasses() {
        assertThatCode(() -> StateContract.check(() -> {
            FakeLine line = new FakeLine();
            return rig(new Counter(line), line);
        })).doesNotThrowAnyException();
    }

    @Test
    void forgottenFieldIsNamed() {
        assertThatThrownBy(() -> StateContract.check(() -> {
            FakeLine line = new FakeLine();
            return rig(new Counter(line) {
                @Override
                public void exchangeState(StateIo io) {
                    io.part("file", file);
                }
            }, line);
        })).isInstanceOf(AssertionError.class).hasMessageContaining("writes");
    }

    @Test
    void damageThatBringsAChipDownIsFound() {
        int[] table = new int[400];
        assertThatThrownBy(() -> StateContract.checkDamaged(() -> {
            FakeLine line = new FakeLine();
            return rig(new Counter(line) {
                @Override
                void count() {
                    super.count();
                    table[writes % table.length]++;
                }
            }, line);
        })).isInstanceOf(AssertionError.class).hasMessageContaining("ArrayIndexOutOfBounds");
    }

    @Test
    void lineDrivenByRestoringIsFound() {
        assertThatThrownBy(() -> StateContract.check(() -> {
            FakeLine line = new FakeLine();
            return rig(new Counter(line) {
                @Override
                public void exchangeState(StateIo io) {
                    super.exchangeState(io);
                    line.pulse();
                }
            }, line);
        })).isInstanceOf(AssertionError.class).hasMessageContaining("line");
    }
}
