package org.jkvm.app.cli;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes as people write them: 384, 384M, 1.5G, 0x1000. */
public final class Sizes {
    private static final Pattern DECIMAL = Pattern.compile("(\\d+(?:\\.\\d+)?)([bkmgtpe]?)", Pattern.CASE_INSENSITIVE);
    private static final Pattern HEX = Pattern.compile("0[xX]([0-9a-fA-F]{1,16})");
    private static final String SUFFIXES = "bkmgtpe";
    /** Digits that a long has room for; BigDecimal takes the JVM 30 ms to begin with. */
    private static final int SHORT = 18;

    private Sizes() {
    }

    /**
     * The bytes that {@code text} means; empty where it means none or more than a long holds.
     *
     * @param suffix what stands behind a number without suffix: one of b k m g t p e
     */
    public static OptionalLong parse(String text, char suffix) {
        Matcher hex = HEX.matcher(text);
        if (hex.matches()) {
            return positive(Long.parseUnsignedLong(hex.group(1), 16));
        }
        Matcher decimal = DECIMAL.matcher(text);
        if (!decimal.matches()) {
            return OptionalLong.empty();
        }
        String unit = decimal.group(2).isEmpty() ? String.valueOf(suffix) : decimal.group(2).toLowerCase(Locale.ROOT);
        int shift = 10 * SUFFIXES.indexOf(unit);
        return decimal.group(1).length() <= SHORT && decimal.group(1).indexOf('.') < 0
                ? whole(Long.parseLong(decimal.group(1)), shift) : fraction(decimal.group(1), shift);
    }

    private static OptionalLong whole(long number, int shift) {
        return number > Long.MAX_VALUE >> shift ? OptionalLong.empty() : OptionalLong.of(number << shift);
    }

    private static OptionalLong fraction(String number, int shift) {
        BigDecimal bytes = new BigDecimal(number).multiply(BigDecimal.valueOf(1L << shift)).setScale(0, RoundingMode.DOWN);
        return bytes.toBigInteger().bitLength() > 63 ? OptionalLong.empty() : OptionalLong.of(bytes.longValue());
    }

    private static OptionalLong positive(long value) {
        return value < 0 ? OptionalLong.empty() : OptionalLong.of(value);
    }
}
