package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import org.jkvm.base.state.StateIo;

/**
 * The kernel's 8259As and I/O APIC in the format that saved machines have: the fields of the software chips, which keep what
 * the datasheets name (Intel 8259A 231468, 82093AA 290566).
 */
final class ChipStates {
    private static final int PINS = 24;
    private static final int CASCADE = 1 << 2;
    private static final int LEVEL_TRIGGER = 15;
    private static final int MASK = 16;
    private static final int TIMER_PIN = 2;
    /** The command word that a software 8259A waits for after power-on. */
    private static final int ICW1 = 1;
    /** The kernel's I/O APIC is an 82093AA with 24 inputs, and stays one where another was saved. */
    private static final int VERSION = 23 << 16 | 0x11;

    private ChipStates() {
    }

    /** One 8259A; the kernel keeps a request of the second one as a remembered edge, where it is the line's level. */
    static void exchangePic(StateIo io, MemorySegment chip, boolean master) {
        Pic pic = new Pic(chip);
        int cascade = master ? CASCADE : 0;
        int elcr = pic.get(ChipAbi.PicState.ELCR);
        int irr = pic.get(ChipAbi.PicState.IRR);
        int lines = io.u8("lines", pic.get(ChipAbi.PicState.LAST_IRR) & ~cascade | irr & cascade);
        int edges = io.u8("edges", irr & ~elcr & ~cascade);
        pic.set(ChipAbi.PicState.IMR, io.u8("imr", pic.get(ChipAbi.PicState.IMR)));
        pic.set(ChipAbi.PicState.ISR, io.u8("isr", pic.get(ChipAbi.PicState.ISR)));
        elcr = io.u8("elcr", elcr) & pic.get(ChipAbi.PicState.ELCR_MASK);
        pic.set(ChipAbi.PicState.ELCR, elcr);
        pic.set(ChipAbi.PicState.LAST_IRR, lines & ~cascade);
        pic.set(ChipAbi.PicState.IRR, edges | lines & (elcr | cascade));
        exchangeModes(io, pic);
    }

    /** Before its first ICW1 an 8259A asks for nothing; the kernel's would, and is masked instead, which an ICW1 undoes. */
    static void mask(MemorySegment chip) {
        new Pic(chip).set(ChipAbi.PicState.IMR, 0xff);
    }

    private static void exchangeModes(StateIo io, Pic pic) {
        pic.set(ChipAbi.PicState.IRQ_BASE, io.u8("icw2", pic.get(ChipAbi.PicState.IRQ_BASE)) & 0xf8);
        int lowest = (int) io.bits("lowest", 3, pic.get(ChipAbi.PicState.PRIORITY_ADD) + 7 & 7);
        pic.set(ChipAbi.PicState.PRIORITY_ADD, lowest + 1 & 7);
        pic.flag(io, "aeoi", ChipAbi.PicState.AUTO_EOI);
        pic.flag(io, "rotate-in-aeoi", ChipAbi.PicState.ROTATE_ON_AUTO_EOI);
        pic.flag(io, "sfnm", ChipAbi.PicState.SPECIAL_FULLY_NESTED_MODE);
        pic.flag(io, "smm", ChipAbi.PicState.SPECIAL_MASK);
        pic.flag(io, "read-isr", ChipAbi.PicState.READ_REG_SELECT);
        pic.flag(io, "poll", ChipAbi.PicState.POLL);
        int due = pic.get(ChipAbi.PicState.INIT_STATE);
        due = (int) io.bits("due-icw", 3, due == 0 ? 0 : due + 1);
        pic.set(ChipAbi.PicState.INIT_STATE, Math.max(0, due - 1));
        if (due == ICW1) {
            mask(pic.chip);
        }
        pic.flag(io, "ic4", ChipAbi.PicState.INIT4);
    }

    /** The fields of one 8259A. */
    private record Pic(MemorySegment chip) {
        int get(int field) {
            return chip.get(JAVA_BYTE, ChipAbi.IrqChip.CHIP + field) & 0xff;
        }

        void set(int field, int value) {
            chip.set(JAVA_BYTE, ChipAbi.IrqChip.CHIP + field, (byte) value);
        }

        void flag(StateIo io, String name, int field) {
            set(field, io.flag(name, get(field) != 0) ? 1 : 0);
        }
    }

    /** The I/O APIC; {@code levels} are those of the GSIs, returned as they are to be. */
    static int exchangeIoApic(StateIo io, MemorySegment chip, int levels) {
        long base = ChipAbi.IrqChip.CHIP;
        io.part("registers", part -> {
            int id = part.u32("IOAPICID", chip.get(JAVA_INT, base + ChipAbi.IoApicState.ID) << 24);
            chip.set(JAVA_INT, base + ChipAbi.IoApicState.ID, id >>> 24 & 15);
            part.u32("IOAPICVER", VERSION);
            part.u32("IOAPICARB", 0);
            for (int pin = 0; pin < PINS; pin++) {
                chip.set(JAVA_LONG, redirection(pin), part.u64("IOREDTBL" + pin, chip.get(JAVA_LONG, redirection(pin))));
            }
        });
        int select = io.u8("ioregsel", chip.get(JAVA_INT, base + ChipAbi.IoApicState.IOREGSEL));
        chip.set(JAVA_INT, base + ChipAbi.IoApicState.IOREGSEL, select);
        int pins = (int) io.bits("levels", PINS, levels & ~1 & ~(1 << TIMER_PIN) | (levels & 1) << TIMER_PIN);
        if (io.restoring()) {
            chip.set(JAVA_INT, base + ChipAbi.IoApicState.IRR, 0);
        }
        return pins & ~(1 << TIMER_PIN) | pins >> TIMER_PIN & 1;
    }

    private static long redirection(int pin) {
        return ChipAbi.IrqChip.CHIP + ChipAbi.IoApicState.REDIRTBL + 8L * pin;
    }

    /** The GSIs that are level-triggered at either controller. */
    static int levelTriggered(MemorySegment master, MemorySegment slave, MemorySegment ioApic) {
        int gsis = new Pic(master).get(ChipAbi.PicState.ELCR) | new Pic(slave).get(ChipAbi.PicState.ELCR) << 8;
        for (int pin = 0; pin < PINS; pin++) {
            gsis |= (int) (ioApic.get(JAVA_LONG, redirection(pin)) >>> LEVEL_TRIGGER & 1) << pin;
        }
        return gsis;
    }

    /** What {@code info pic} says: a line an input, then a line a chip. */
    static String describe(int levels, MemorySegment master, MemorySegment slave, MemorySegment ioApic) {
        StringBuilder text = new StringBuilder();
        int masked = new Pic(master).get(ChipAbi.PicState.IMR) | new Pic(slave).get(ChipAbi.PicState.IMR) << 8;
        for (int gsi = 0; gsi < PINS; gsi++) {
            long entry = ioApic.get(JAVA_LONG, redirection(gsi == 0 ? TIMER_PIN : gsi));
            String pic = gsi >= 16 ? "-" : (masked >> gsi & 1) != 0 ? "masked" : "open";
            text.append(String.format("gsi %2d: level=%d pic=%s ioapic=%s%n", gsi, levels >> gsi & 1, pic,
                    (entry >> MASK & 1) != 0 ? "masked" : String.format("%016x", entry)));
        }
        return text.append(line(0, master)).append(line(1, slave)).toString();
    }

    private static String line(int number, MemorySegment chip) {
        Pic pic = new Pic(chip);
        return String.format("pic%d: irr=%02x imr=%02x isr=%02x elcr=%02x base=%02x%n", number, pic.get(ChipAbi.PicState.IRR),
                pic.get(ChipAbi.PicState.IMR), pic.get(ChipAbi.PicState.ISR), pic.get(ChipAbi.PicState.ELCR),
                pic.get(ChipAbi.PicState.IRQ_BASE));
    }
}
