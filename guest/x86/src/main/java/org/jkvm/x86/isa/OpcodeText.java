package org.jkvm.x86.isa;

import java.util.HexFormat;

/** An opcode as a row declares it, taken apart; see {@link Row}. */
record OpcodeText(String source, VexText vex, int map, int code, int prefix, int extension, int exact, char form) {
    /** A byte as opcodes are written. */
    static String hex(int code) {
        return HexFormat.of().withUpperCase().toHexDigits((byte) code);
    }

    static OpcodeText parse(String text) {
        VexText vex = null;
        int map = 0;
        int code = -1;
        int prefix = Row.ANY;
        int extension = -1;
        int exact = -1;
        char form = '*';
        for (String word : text.split(" ")) {
            switch (word) {
                case "NP" -> prefix = Row.NP;
                case "mem" -> form = 'm';
                case "reg" -> form = 'r';
                default -> {
                    if (word.startsWith("/")) {
                        extension = word.charAt(1) - '0';
                    } else if (word.startsWith("=")) {
                        exact = Integer.parseInt(word.substring(1), 16);
                    } else if (word.startsWith("VEX")) {
                        vex = VexText.parse(word);
                        map = vex.map();
                        prefix = vex.prefix();
                    } else if (vex != null) {
                        code = Integer.parseInt(word, 16);
                    } else if (code == 0x0f && map == 0) {
                        map = 1;
                        code = Integer.parseInt(word, 16);
                    } else if (map == 1 && (code == 0x38 || code == 0x3a)) {
                        map = code == 0x38 ? 2 : 3;
                        code = Integer.parseInt(word, 16);
                    } else {
                        prefix = code >= 0 ? code : prefix;
                        code = Integer.parseInt(word, 16);
                    }
                }
            }
        }
        return new OpcodeText(text, vex, map, code, prefix, extension, exact, form);
    }
}
