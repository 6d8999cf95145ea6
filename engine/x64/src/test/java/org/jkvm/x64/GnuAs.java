package org.jkvm.x64;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** GNU as, in Intel syntax, as a second opinion. */
final class GnuAs {
    private GnuAs() {
    }

    static boolean isInstalled() {
        try {
            return run(ProcessBuilder.Redirect.DISCARD, "as", "--version") == 0
                    && run(ProcessBuilder.Redirect.DISCARD, "objcopy", "--version") == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** The machine code of each of {@code lines} in 64-bit mode, from one run. */
    static List<byte[]> assemble(Path folder, List<String> lines) throws IOException {
        Path text = folder.resolve("code.s");
        Path object = folder.resolve("code.o");
        Files.writeString(text, source(lines));
        Path errors = folder.resolve("errors");
        if (run(ProcessBuilder.Redirect.to(errors.toFile()), "as", "--64", "-o", object.toString(), text.toString()) != 0) {
            throw new IOException(Files.readString(errors));
        }
        return split(section(object, ".text"), ByteBuffer.wrap(section(object, ".ends")).order(ByteOrder.LITTLE_ENDIAN));
    }

    /** Every line's end goes to a section of its own. */
    private static String source(List<String> lines) {
        StringBuilder source = new StringBuilder(".intel_syntax noprefix\nstart_of_text:\n");
        for (int i = 0; i < lines.size(); i++) {
            source.append(lines.get(i)).append("\nend").append(i).append(":\n");
        }
        source.append(".section .ends, \"a\"\n");
        for (int i = 0; i < lines.size(); i++) {
            source.append(".long end").append(i).append(" - start_of_text\n");
        }
        return source.toString();
    }

    private static byte[] section(Path object, String name) throws IOException {
        Path binary = object.resolveSibling("section.bin");
        if (run(ProcessBuilder.Redirect.DISCARD, "objcopy", "-O", "binary", "-j", name, object.toString(),
                binary.toString()) != 0) {
            throw new IOException("objcopy does not find " + name);
        }
        return Files.readAllBytes(binary);
    }

    private static List<byte[]> split(byte[] code, ByteBuffer ends) {
        List<byte[]> pieces = new ArrayList<>();
        int start = 0;
        while (ends.hasRemaining()) {
            int end = ends.getInt();
            pieces.add(Arrays.copyOfRange(code, start, end));
            start = end;
        }
        return pieces;
    }

    private static int run(ProcessBuilder.Redirect errors, String... command) throws IOException {
        try {
            return new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(errors).start().waitFor();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }
}
