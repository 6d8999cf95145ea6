package org.jkvm.app.img.resident;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;

/**
 * Where launchers find the resident: a file that only this user can read, which says a port of the loopback interface and
 * two secrets. Whoever can read it is this user; whoever knows the proof wrote it.
 */
record Address(Path file, int port, String proof, String key) {
    private static final int SECRET_BYTES = 16;

    static Address choose(Path file, int port) {
        return new Address(file, port, secret(), secret());
    }

    private static String secret() {
        byte[] bytes = new byte[SECRET_BYTES];
        new SecureRandom().nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    private String text() {
        return port + " " + proof + " " + key + "\n";
    }

    /** Puts it in the place of what the file said before, at once. */
    void write() throws IOException {
        Path fresh = Files.createTempFile(file.toAbsolutePath().getParent(), "address", "",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(fresh, text());
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Whether the file still says it. */
    boolean holds() {
        try {
            return Files.readString(file, StandardCharsets.US_ASCII).equals(text());
        } catch (IOException e) {
            return false;
        }
    }

    /** Removes the file, unless it says another's by now. */
    void withdraw() {
        try {
            if (holds()) {
                Files.delete(file);
            }
        } catch (IOException _) {
            // Gone already. Launchers find nobody at the port, too.
        }
    }
}
