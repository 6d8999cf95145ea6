package org.jkvm.app.monitor;

/**
 * How memory is shown: the {@code /fmt} of x and xp: a count, a format (x d u o c i) and a size (b h w g).
 *
 * @param count  how many items
 * @param format one of x d u o c i
 * @param size   bytes of an item: 1, 2, 4 or 8
 */
record MemoryFormat(int count, char format, int size) {
    private static final int MAX_COUNT = 65536;

    /** What a command starts with, and what it uses for the parts that are not given. */
    static final MemoryFormat FIRST = new MemoryFormat(1, 'x', 4);

    /**
     * Reads what stands behind the slash.
     *
     * @throws MonitorException where it can't be understood
     */
    static MemoryFormat parse(String text, MemoryFormat last) {
        int digits = 0;
        while (digits < text.length() && Character.isDigit(text.charAt(digits))) {
            digits++;
        }
        int count = digits == 0 ? 1 : count(text.substring(0, digits));
        char format = last.format;
        int size = 0;
        for (char c : text.substring(digits).toCharArray()) {
            if ("xduoci".indexOf(c) >= 0) {
                format = c;
            } else if ("bhwg".indexOf(c) >= 0) {
                size = 1 << "bhwg".indexOf(c);
            } else {
                throw new MonitorException("invalid char in format: '" + c + "'");
            }
        }
        return new MemoryFormat(count, format, size > 0 ? size : format == 'c' ? 1 : last.size);
    }

    private static int count(String digits) {
        if (digits.length() > 6 || Integer.parseInt(digits) > MAX_COUNT) {
            throw new MonitorException("at most " + MAX_COUNT + " items at once");
        }
        return Integer.parseInt(digits);
    }

    /** An item as text. */
    String item(long value) {
        return switch (format) {
            case 'x' -> "0x" + hex(value, 2 * size);
            case 'd' -> right(Long.toString(value << 64 - 8 * size >> 64 - 8 * size));
            case 'u' -> right(Long.toUnsignedString(value));
            case 'o' -> "0" + Long.toOctalString(value);
            case 'c' -> character((int) value & 0xff);
            default -> throw new AssertionError(format);
        };
    }

    /** Right-aligned to the width of the widest value without a sign. */
    private String right(String digits) {
        int width = switch (size) {
            case 1 -> 3;
            case 2 -> 5;
            case 4 -> 10;
            default -> 20;
        };
        return " ".repeat(Math.max(0, width - digits.length())) + digits;
    }

    private static String character(int c) {
        return c >= ' ' && c < 0x7f ? "'" + (c == '\'' || c == '\\' ? "\\" : "") + (char) c + "'" : "'\\x%02x'".formatted(c);
    }

    /** {@code digits} hexadecimal digits. */
    static String hex(long value, int digits) {
        String text = Long.toHexString(value);
        return text.length() > digits ? text.substring(text.length() - digits) : "0".repeat(digits - text.length()) + text;
    }
}
