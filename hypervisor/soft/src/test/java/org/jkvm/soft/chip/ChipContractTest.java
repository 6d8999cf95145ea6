package org.jkvm.soft.chip;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jkvm.base.IoHandler;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.Stateful;
import org.jkvm.base.time.ManualClock;
import org.jkvm.testkit.FakeLine;
import org.jkvm.testkit.RegisterPages;
import org.jkvm.testkit.StateContract;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds for each chip: the contract of its state and, where registers are declared, its page. */
class ChipContractTest {
    /** One of the chips: makes it on a board. */
    private record Kind(String name, Supplier<StateContract.Rig> board) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Kind> kinds() {
        return Stream.of(new Kind("pic", ChipContractTest::pics), new Kind("pit", ChipContractTest::pit),
                new Kind("ioapic", ChipContractTest::ioApic), new Kind("local-apic", ChipContractTest::localApic),
                new Kind("chip", ChipContractTest::chip));
    }

    private static StateContract.Rig pics() {
        FakeLine intr = new FakeLine();
        Pic8259Pair pair = new Pic8259Pair(intr);
        List<Consumer<Random>> stimuli = List.of(r -> pair.setLine(r.nextInt(16), r.nextBoolean()),
                r -> pair.acknowledge());
        return rig(pair, new ManualClock(), List.of(intr), stimuli, window("master", 2, pair.master()),
                window("slave", 2, pair.slave()), window("elcr", 2, pair.edgeLevel()));
    }

    private static StateContract.Rig pit() {
        FakeLine irq0 = new FakeLine();
        ManualClock clock = new ManualClock();
        Pit8254 pit = new Pit8254(clock, irq0);
        return rig(pit, clock, List.of(irq0), List.of(), window("counters", 4, pit.counters()),
                window("port-b", 1, pit.portB()));
    }

    private static StateContract.Rig ioApic() {
        IoApic chip = new IoApic(IoApic.VERSION_EOI_REGISTER, m -> { });
        List<Consumer<Random>> stimuli = List.of(r -> chip.setLine(r.nextInt(24), r.nextBoolean()),
                r -> chip.endOfInterrupt(r.nextInt(256)));
        return rig(chip, new ManualClock(), List.of(), stimuli, window("ioapic", 0x50, chip), chip.registers());
    }

    private static StateContract.Rig localApic() {
        ManualClock clock = new ManualClock();
        LocalApic[] one = new LocalApic[1];
        LocalApic apic = new LocalApic(0, new ApicBus(one, v -> { }), () -> 9, new FakePins(), clock,
                new GuestTsc(clock, 2_000_000_000L));
        one[0] = apic;
        List<Consumer<Random>> stimuli = List.of(r -> apic.acknowledge(), r -> apic.setLint0(r.nextBoolean()),
                r -> apic.setLint1(r.nextBoolean()), r -> apic.timer().setTscDeadline(clock.nanos() + r.nextInt(1_000_000)),
                r -> apic.accept(DeliveryMode.of(r.nextInt()), r.nextInt(256), r.nextBoolean()));
        return rig(apic, clock, List.of(), stimuli, apic.registers());
    }

    private static StateContract.Rig chip() {
        ManualClock clock = new ManualClock();
        SoftInterruptChip chip = new SoftInterruptChip(clock, 2, 1_000_000_000L);
        List<Consumer<Random>> stimuli = List.of(r -> chip.setLine(1 + r.nextInt(23), r.nextBoolean()),
                r -> chip.signal(0xfee00000L | r.nextInt(1 << 20), r.nextInt(1 << 16)));
        return rig(chip, clock, List.of(), stimuli, window("ports", 0x500, ports(chip)));
    }

    private static IoHandler ports(SoftInterruptChip chip) {
        return new IoHandler() {
            @Override
            public long read(long offset, int size) {
                return chip.readPort((int) offset, 1);
            }

            @Override
            public void write(long offset, int size, long value) {
                chip.writePort((int) offset, 1, value);
            }
        };
    }

    private static RegisterFile window(String name, int length, IoHandler handler) {
        return new RegisterFile(name).window(name, 0, length, "", handler);
    }

    private static StateContract.Rig rig(Stateful device, ManualClock clock, List<FakeLine> lines,
                                         List<Consumer<Random>> stimuli, RegisterFile... files) {
        return new StateContract.Rig(device, new ArrayList<>(List.of(files)), clock, lines, stimuli);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void stateIsKept(Kind kind) {
        StateContract.check(kind.board);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void damagedStateIsSurvived(Kind kind) {
        StateContract.checkDamaged(kind.board);
    }

    @Test
    void pagesAreFresh() {
        RegisterPages.check("ioapic", IoApic.class, List.of(new IoApic(IoApic.VERSION_EOI_REGISTER, m -> { }).registers()));
        RegisterPages.check("local-apic", LocalApicRegisters.class, List.of(new LocalApicRegisters().file));
    }
}
