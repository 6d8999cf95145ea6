package org.jkvm.x64;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** GNU as, in Intel syntax, as a second opinion. */
final class GnuAs {
    private GnuAs() {
    }

    static boolean isInstalled() {
        try {
            return run("as", "--version") == 0 && run("objcopy", "--version") == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** The machine code of {@code source} in 64-bit mode. */
    static byte[] assemble(Path folder, String source) throws IOException {
        Path text = folder.resolve("code.s");
        Path object = folder.resolve("code.o");
        Path binary = folder.resolve("code.bin");
        Files.writeString(text, ".intel_syntax noprefix\n" + source);
        if (run("as", "--64", "-o", object.toString(), text.toString()) != 0
                || run("objcopy", "-O", "binary", "-j", ".text", object.toString(), binary.toString()) != 0) {
            throw new IOException("GNU as refuses " + text + ":\n" + source);
        }
        return Files.readAllBytes(binary);
    }

    private static int run(String... command) throws IOException {
        try {
            return new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.DISCARD).start().waitFor();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }
}
