package org.jkvm.payloads;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * A small guest program: {@code NAME.s} beside {@code NAME.hex}, what GNU as made of it. Lines {@code # expect: TEXT} in the
 * assembly say what it must print on port E9h before it ends by writing port F4h.
 *
 * @param name     the files' name
 * @param code     its bytes, to be loaded at 8000h
 * @param expected the lines it must print
 */
record Payload(String name, byte[] code, List<String> expected) {
    private static final String EXPECT = "# expect: ";

    static Payload load(String name) {
        List<String> expected = new ArrayList<>();
        for (String line : text(name + ".s").split("\n")) {
            if (line.startsWith(EXPECT)) {
                expected.add(line.substring(EXPECT.length()));
            }
        }
        byte[] code = HexFormat.of().parseHex(text(name + ".hex").replaceAll("\\s", ""));
        return new Payload(name, code, List.copyOf(expected));
    }

    private static String text(String file) {
        try (InputStream in = Payload.class.getResourceAsStream("/payloads/" + file)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(file, e);
        }
    }
}
