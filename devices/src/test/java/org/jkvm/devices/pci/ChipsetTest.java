package org.jkvm.devices.pci;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jkvm.base.Line;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateTree;
import org.jkvm.testkit.FakeLine;
import org.junit.jupiter.api.Test;

/** The 440FX board's own functions: host bridge, interrupt routing, power management. */
class ChipsetTest {
    private final TestBoard board = new TestBoard();
    private final List<FakeLine> isa = Stream.generate(FakeLine::new).limit(16).toList();
    private final FakeLine reset = new FakeLine();
    private final Piix3 piix3 = new Piix3(isa::get, reset);

    @Test
    void pamRegistersSwitchSegments() {
        List<String> switched = new ArrayList<>();
        board.bus.attach(0, new I440fx((start, length, reads, writes) ->
                switched.add(Long.toHexString(start) + "+" + Long.toHexString(length) + " " + reads + " " + writes)));
        assertThat(board.config(0, 0, 4)).isEqualTo(0x1237_8086);
        board.config(0, 0x59, 1, 0x30);
        board.config(0, 0x5f, 1, 0x12);
        assertThat(switched).containsExactly("f0000+10000 true true", "e8000+4000 false true", "ec000+4000 true false");
    }

    @Test
    void pinsTurnFromSlotToSlot() {
        assertThat(Piix3.pirqOf(1, 1)).isZero();
        assertThat(Piix3.pirqOf(2, 1)).isEqualTo(1);
        assertThat(Piix3.pirqOf(4, 2)).isZero();
        assertThat(Piix3.pirqOf(0, 1)).isEqualTo(3);
    }

    @Test
    void pirqsReachTheIsaInterruptTheyAreRoutedTo() {
        board.bus.attach(1, piix3);
        Line first = piix3.pirq(0);
        Line second = piix3.pirq(1);
        first.set(true);
        assertThat(isa.get(10).level()).isFalse();
        board.config(1, 0x60, 1, 10);
        board.config(1, 0x61, 1, 10);
        assertThat(isa.get(10).level()).isTrue();
        second.set(true);
        first.set(false);
        assertThat(isa.get(10).level()).isTrue();
        board.config(1, 0x61, 1, 0x80 | 10);
        assertThat(isa.get(10).level()).isFalse();
        assertThat(isa.get(10).edges()).isEqualTo(1);
    }

    @Test
    void routingSurvivesInASavedStateWithoutEdges() {
        board.bus.attach(1, piix3);
        Line wire = piix3.pirq(2);
        board.config(1, 0x62, 1, 5);
        wire.set(true);
        StateTree saved = StateTree.save(piix3);
        saved.restore(piix3);
        assertThat(isa.get(5).edges()).isEqualTo(1);
        wire.set(false);
        assertThat(isa.get(5).level()).isFalse();
    }

    @Test
    void theResetControlRegisterResets() {
        piix3.resetControl().write(1, 1, 2);
        assertThat(reset.edges()).isZero();
        piix3.resetControl().write(1, 1, 6);
        assertThat(reset.edges()).isEqualTo(1);
    }

    @Test
    void powerManagementRegistersAnswerWhereTheyArePut() {
        RegisterFile pm = new RegisterFile("pm").undeclaredReadsAs(0x77);
        Piix4PmFunction function = new Piix4PmFunction(pm);
        board.bus.attach(1, 3, function);
        function.enableAt(0x600);
        assertThat(board.io.read(0x600, 1)).isEqualTo(0x77);
        board.bus.configWrite(1 * 8 + 3, 0x40, 4, 0xb000);
        assertThat(board.io.read(0x600, 1)).isEqualTo(-1);
        assertThat(board.io.read(0xb03f, 1)).isEqualTo(0x77);
        StateTree saved = StateTree.save(function);
        function.reset();
        assertThat(board.io.read(0xb000, 1)).isEqualTo(-1);
        saved.restore(function);
        assertThat(board.io.read(0xb000, 1)).isEqualTo(0x77);
    }
}
