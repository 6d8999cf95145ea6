package org.jkvm.devices.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.jkvm.base.Line;
import org.jkvm.base.state.StateTree;
import org.jkvm.testkit.FakeLine;
import org.junit.jupiter.api.Test;

class WiredOrTest {
    private final FakeLine output = new FakeLine();
    private final WiredOr wire = new WiredOr(output);
    private final Line first = wire.join();
    private final Line second = wire.join();

    @Test
    void isAssertedWhileAnyDriverAssertsIt() {
        first.set(true);
        second.set(true);
        first.set(false);
        assertThat(output.level()).isTrue();
        assertThat(output.edges()).isEqualTo(1);
        second.set(false);
        assertThat(output.level()).isFalse();
    }

    @Test
    void comesBackWithoutAnEdge() {
        first.set(true);
        StateTree saved = StateTree.save(wire);
        first.set(false);
        saved.restore(wire);
        assertThat(output.level()).isFalse();
        assertThat(wire.level()).isTrue();
        second.set(true);
        assertThat(output.edges()).isEqualTo(1);
    }

    @Test
    void hasRoomFor64Drivers() {
        for (int i = 2; i < 64; i++) {
            wire.join();
        }
        assertThatThrownBy(wire::join).isInstanceOf(IllegalStateException.class);
    }
}
