package org.jkvm.devices;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.time.ManualClock;
import org.jkvm.devices.bus.AddressSpace;
import org.jkvm.devices.pci.ConfigMechanism1;
import org.jkvm.devices.pci.I440fx;
import org.jkvm.devices.pci.IntxWiring;
import org.jkvm.devices.pci.PciBus;
import org.jkvm.devices.pci.PciFunction;
import org.jkvm.devices.pci.Piix3;
import org.jkvm.devices.pci.Piix4PmFunction;
import org.jkvm.devices.virtio.VirtioDevice;
import org.jkvm.devices.virtio.VirtioOptions;
import org.jkvm.devices.virtio.VirtioPci;
import org.jkvm.devices.virtio.balloon.BalloonOptions;
import org.jkvm.devices.virtio.balloon.VirtioBalloon;
import org.jkvm.devices.virtio.blk.BlkOptions;
import org.jkvm.devices.virtio.blk.FakeDisk;
import org.jkvm.devices.virtio.blk.VirtioBlk;
import org.jkvm.devices.virtio.console.PortOptions;
import org.jkvm.devices.virtio.console.SerialOptions;
import org.jkvm.devices.virtio.console.VirtioConsole;
import org.jkvm.devices.virtio.rng.RngOptions;
import org.jkvm.devices.virtio.rng.VirtioRng;
import org.jkvm.testkit.FakeLine;
import org.jkvm.testkit.FakeMemory;
import org.jkvm.testkit.RegisterPages;
import org.jkvm.testkit.StateContract;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds for each function on the PC's PCI bus: the contract of its state, and its page. */
class PciDevicesTest {
    private static final int RAM = 1 << 16;

    /** A test board with one PCI bus. */
    private static final class Board {
        final ManualClock clock = new ManualClock();
        final List<FakeLine> lines = new ArrayList<>();
        final List<Consumer<Random>> stimuli = new ArrayList<>();
        final PciBus bus = new PciBus(new AddressSpace("io"), new AddressSpace("memory"), (device, pin) -> line());

        FakeLine line() {
            FakeLine line = new FakeLine();
            lines.add(line);
            return line;
        }

        PciFunction plug(PciFunction function) {
            bus.attach(3, function);
            return function;
        }

        Device virtio(VirtioDevice device) {
            VirtioPci.Board parts = new VirtioPci.Board(new FakeMemory(RAM), (address, data) -> { }, Runnable::run);
            return plug(new VirtioPci(device, parts, VirtioOptions.DEFAULTS.withPacked(true)));
        }
    }

    /** One of the functions: makes it on a board. */
    private record Kind(String page, Class<?> type, Function<Board, Device> maker) {
        @Override
        public String toString() {
            return page;
        }

        StateContract.Rig rig() {
            Board board = new Board();
            Device device = maker.apply(board);
            device.reset();
            return new StateContract.Rig(device, device.registerFiles(), board.clock, board.lines, board.stimuli);
        }
    }

    static Stream<Kind> kinds() {
        return Stream.of(
                new Kind("config-mechanism-1", ConfigMechanism1.class, b -> new ConfigMechanism1(b.bus,
                        new RegisterFile("beside"))),
                new Kind("i440fx", I440fx.class, b -> b.plug(new I440fx(I440fx.ShadowRam.NONE))),
                new Kind("piix3", Piix3.class, PciDevicesTest::isaBridge),
                new Kind("piix4-pm", Piix4PmFunction.class, b -> b.plug(new Piix4PmFunction(new RegisterFile("pm")))),
                new Kind("virtio-blk", VirtioBlk.class, b -> b.virtio(new VirtioBlk(new FakeDisk(1 << 16),
                        BlkOptions.DEFAULTS, reason -> { }))),
                new Kind("virtio-rng", VirtioRng.class, b -> b.virtio(new VirtioRng(new CountingSource(), b.clock,
                        new RngOptions(1000, 10)))),
                new Kind("virtio-console", VirtioConsole.class, PciDevicesTest::console),
                new Kind("virtio-balloon", VirtioBalloon.class, PciDevicesTest::balloon));
    }

    private static Device isaBridge(Board b) {
        Piix3 piix3 = new Piix3(irq -> b.line(), b.line());
        IntxWiring wiring = piix3.wiring();
        for (int slot = 2; slot < 6; slot++) {
            var pin = wiring.line(slot, 1);
            b.stimuli.add(random -> pin.set(random.nextBoolean()));
        }
        return b.plug(piix3);
    }

    private static Device console(Board b) {
        VirtioConsole console = new VirtioConsole(SerialOptions.DEFAULTS);
        console.addPort(new PortOptions(0, true, ""), CharacterBackend.NULL);
        console.addPort(new PortOptions(1, false, "agent"), CharacterBackend.NULL);
        Device device = b.virtio(console);
        b.stimuli.add(random -> console.resize(random.nextInt(200), random.nextInt(100)));
        return device;
    }

    private static Device balloon(Board b) {
        VirtioBalloon balloon = new VirtioBalloon((address, length) -> { }, new BalloonOptions(true, true));
        Device device = b.virtio(balloon);
        b.stimuli.add(random -> balloon.requestPages(random.nextInt(100)));
        b.stimuli.add(random -> balloon.requestStatistics());
        return device;
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
        RegisterPages.check(kind.page, kind.type, kind.maker.apply(new Board()).registerFiles());
    }
}
