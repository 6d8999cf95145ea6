package org.jkvm.x86.disasm;

/** Names of registers as GNU's Intel syntax has them. */
final class RegisterNames {
    private static final String[] WORDS = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
    private static final String[] BYTES = {"al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"};
    private static final String[] SEGMENTS = {"es", "cs", "ss", "ds", "fs", "gs", "?", "?"};

    private RegisterNames() {
    }

    /** General register {@code number} (0 to 15) of {@code size} bytes; {@code rex} makes SPL to DIL of bytes 4 to 7. */
    static String general(int number, int size, boolean rex) {
        if (number >= 8) {
            return "r" + number + extendedSuffix(size);
        }
        return switch (size) {
            case 1 -> rex && number >= 4 ? WORDS[number] + "l" : BYTES[number];
            case 2 -> WORDS[number];
            case 4 -> "e" + WORDS[number];
            default -> "r" + WORDS[number];
        };
    }

    private static String extendedSuffix(int size) {
        return switch (size) {
            case 1 -> "b";
            case 2 -> "w";
            case 4 -> "d";
            default -> "";
        };
    }

    static String segment(int number) {
        return SEGMENTS[number & 7];
    }

    /** Vector register {@code number} (0 to 15) of {@code size} bytes. */
    static String vector(int number, int size) {
        return (size == 32 ? "ymm" : "xmm") + number;
    }

    /** What stands before a memory operand of {@code size} bytes; nothing where the size is unknown. */
    static String pointer(int size) {
        return switch (size) {
            case 1 -> "BYTE PTR ";
            case 2 -> "WORD PTR ";
            case 4 -> "DWORD PTR ";
            case 6 -> "FWORD PTR ";
            case 8 -> "QWORD PTR ";
            case 10 -> "TBYTE PTR ";
            case 16 -> "XMMWORD PTR ";
            case 32 -> "YMMWORD PTR ";
            default -> "";
        };
    }
}
