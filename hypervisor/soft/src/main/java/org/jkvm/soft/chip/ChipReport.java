package org.jkvm.soft.chip;

import org.jkvm.base.register.Register;

/** What {@code info pic} says: a line an input, then a line a chip. */
record ChipReport(Pic8259Pair pics, IoApic ioApic, LocalApic[] apics) {
    private static final int GSIS = 24;

    String text() {
        StringBuilder s = new StringBuilder();
        for (int gsi = 0; gsi < GSIS; gsi++) {
            s.append(line(gsi)).append('\n');
        }
        s.append(pics);
        for (LocalApic a : apics) {
            s.append(a == null ? "" : "\n" + a);
        }
        return s.append('\n').toString();
    }

    private String line(int gsi) {
        int pin = gsi == 0 ? 2 : gsi;
        Register e = ioApic.entryOf(pin);
        String pic = gsi >= 16 ? "-" : pics.masked(gsi) ? "masked" : "open";
        return String.format("gsi %2d: level=%d count=%d pic=%s ioapic=%s", gsi, ioApic.level(pin) ? 1 : 0,
                ioApic.count(pin), pic, e.isSet(16) ? "masked" : e.text(e.get()));
    }
}
