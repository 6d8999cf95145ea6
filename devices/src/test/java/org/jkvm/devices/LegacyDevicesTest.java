package org.jkvm.devices;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jkvm.base.Line;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.base.time.ManualClock;
import org.jkvm.devices.acpi.AcpiPciHotplug;
import org.jkvm.devices.acpi.Piix4Pm;
import org.jkvm.devices.debug.DebugPort;
import org.jkvm.devices.debug.IsaDebugExit;
import org.jkvm.devices.debug.PcTestdev;
import org.jkvm.devices.dma.DmaPages;
import org.jkvm.devices.dma.I8237;
import org.jkvm.devices.fwcfg.FwCfg;
import org.jkvm.devices.i8042.I8042;
import org.jkvm.devices.i8042.Port92;
import org.jkvm.devices.rtc.Mc146818;
import org.jkvm.devices.serial.Uart16550;
import org.jkvm.testkit.FakeLine;
import org.jkvm.testkit.FakeMemory;
import org.jkvm.testkit.RegisterPages;
import org.jkvm.testkit.StateContract;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds for each of the PC's chips that are not on PCI: the contract of its state, and its page. */
class LegacyDevicesTest {
    /** A test board: what chips are wired to, and what happens to them. */
    private static final class Board {
        final ManualClock clock = new ManualClock();
        final List<FakeLine> lines = new ArrayList<>();
        final List<Consumer<Random>> stimuli = new ArrayList<>();

        FakeLine line() {
            FakeLine line = new FakeLine();
            lines.add(line);
            return line;
        }

        Instant time() {
            return Instant.EPOCH.plusNanos(clock.nanos());
        }
    }

    /** One of the chips: makes it on a board. */
    private record Kind(Class<? extends Device> type, Function<Board, Device> maker) {
        @Override
        public String toString() {
            return type.getSimpleName();
        }

        StateContract.Rig rig() {
            Board board = new Board();
            Device device = maker.apply(board);
            return new StateContract.Rig(device, device.registerFiles(), board.clock, board.lines, board.stimuli);
        }
    }

    static Stream<Kind> kinds() {
        return Stream.of(new Kind(Uart16550.class, LegacyDevicesTest::uart),
                new Kind(Mc146818.class, b -> new Mc146818(b.line(), b.clock, b::time)),
                new Kind(I8042.class, LegacyDevicesTest::keyboardController),
                new Kind(Port92.class, b -> new Port92(b.line(), () -> { })),
                new Kind(Piix4Pm.class, LegacyDevicesTest::powerManagement),
                new Kind(AcpiPciHotplug.class, LegacyDevicesTest::hotplug),
                new Kind(FwCfg.class, LegacyDevicesTest::fwCfg),
                new Kind(DebugPort.class, b -> new DebugPort(CharacterBackend.NULL)),
                new Kind(IsaDebugExit.class, b -> new IsaDebugExit(status -> { })),
                new Kind(PcTestdev.class, LegacyDevicesTest::testdev),
                new Kind(I8237.class, b -> new I8237(1)),
                new Kind(DmaPages.class, b -> new DmaPages()));
    }

    private static Device hotplug(Board b) {
        AcpiPciHotplug chip = new AcpiPciHotplug(event -> { }, slot -> { });
        b.stimuli.add(random -> chip.plugged(random.nextInt(32)));
        b.stimuli.add(random -> chip.askToUnplug(random.nextInt(32)));
        return chip;
    }

    private static Device uart(Board b) {
        CharacterBackend.Receiver[] receiver = new CharacterBackend.Receiver[1];
        CharacterBackend host = new CharacterBackend() {
            @Override
            public void write(byte[] bytes, int offset, int length) {
            }

            @Override
            public void connect(Receiver to) {
                receiver[0] = to;
            }

            @Override
            public void close() {
            }
        };
        Uart16550 uart = new Uart16550(b.line(), b.clock, host, Runnable::run);
        b.stimuli.add(random -> {
            byte[] text = new byte[random.nextInt(20)];
            random.nextBytes(text);
            receiver[0].receive(text, 0, Math.min(text.length, receiver[0].room()));
        });
        b.stimuli.add(random -> receiver[0].receiveBreak());
        b.stimuli.add(r -> uart.modemLines(r.nextBoolean(), r.nextBoolean(), r.nextBoolean(), r.nextBoolean()));
        return uart;
    }

    private static Device keyboardController(Board b) {
        I8042 kbc = new I8042(b.line(), b.line(), b.line(), () -> { });
        b.stimuli.add(random -> kbc.keyboard().key(random.nextInt(1, 0x80), random.nextBoolean()));
        b.stimuli.add(random -> kbc.mouse().move(random.nextInt(-300, 300), random.nextInt(-9, 9), random.nextInt(-1, 2)));
        b.stimuli.add(random -> kbc.mouse().buttons(random.nextInt(32)));
        return kbc;
    }

    private static Device powerManagement(Board b) {
        Piix4Pm pm = new Piix4Pm(b.clock, b.line(), false, type -> { });
        b.stimuli.add(random -> pm.powerButton());
        b.stimuli.add(random -> pm.event(random.nextInt(16)));
        return pm;
    }

    private static Device fwCfg(Board b) {
        FwCfg fw = new FwCfg(new FakeMemory(0));
        fw.addFile("opt/test", new byte[] {1, 2, 3, 4, 5});
        fw.addWritableFile("opt/box", new byte[8], () -> { });
        b.stimuli.add(random -> fw.window().write(0, 2, FwCfg.FILE_FIRST));
        return fw;
    }

    private static Device testdev(Board b) {
        Line[] lines = IntStream.range(0, 24).mapToObj(i -> b.line()).toArray(Line[]::new);
        return new PcTestdev(Arrays.asList(lines), page -> { });
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void stateIsKept(Kind kind) {
        StateContract.check(kind::rig);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void damagedStateIsSurvived(Kind kind) {
        StateContract.checkDamaged(kind::rig);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void pageIsFresh(Kind kind) {
        Device device = kind.maker.apply(new Board());
        RegisterPages.check(device.name(), kind.type, device.registerFiles());
    }
}
