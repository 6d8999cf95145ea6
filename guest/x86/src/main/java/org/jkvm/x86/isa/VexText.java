package org.jkvm.x86.isa;

import java.util.List;

/**
 * The prefix of a VEX-encoded row as the SDM writes it (vol. 2A, section 3.1.1.2): {@code VEX.128.66.0F38.W0}, in which
 * {@code LIG} and {@code WIG}, or nothing, leave VEX.L and VEX.W open, and {@code LZ} is {@code 128}.
 *
 * @param l      VEX.L, or {@link #ANY}
 * @param w      VEX.W, or {@link #ANY}
 * @param prefix what VEX.pp stands for: 66h, F2h, F3h or 0
 * @param map    opcode map, 1 to 3
 */
record VexText(int l, int w, int prefix, int map) {
    /** Either value. */
    static final int ANY = -1;
    private static final List<String> MAPS = List.of("0F", "0F38", "0F3A");

    static VexText parse(String text) {
        int l = ANY;
        int w = ANY;
        int prefix = 0;
        int map = 0;
        for (String word : text.split("\\.")) {
            switch (word) {
                case "VEX", "LIG", "WIG" -> {
                }
                case "128", "LZ" -> l = 0;
                case "256" -> l = 1;
                case "W0" -> w = 0;
                case "W1" -> w = 1;
                case "66", "F2", "F3" -> prefix = Integer.parseInt(word, 16);
                default -> map = MAPS.indexOf(word) + 1;
            }
        }
        if (map == 0) {
            throw new IllegalStateException("no opcode map in " + text);
        }
        return new VexText(l, w, prefix, map);
    }
}
