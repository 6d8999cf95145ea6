package org.jkvm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jkvm.base.UserException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** LUKS headers that want more of the host than opening an image may take. */
@Timeout(value = 20, unit = TimeUnit.SECONDS)
class LuksTest {
    private static final int MK_DIGEST_ITERATIONS = 164;
    private static final int SLOTS = 208;
    private static final int SLOT = 48;
    private static final int ITERATIONS = 4;
    private static final int ACTIVE = 0x00ac71f3;
    private static final Secret SECRET = new Secret("open".getBytes(StandardCharsets.UTF_8));

    @TempDir
    private Path folder;
    private Path path;

    @BeforeEach
    void makeImage() {
        path = folder.resolve("d.luks");
        Images.create(path, CreateOptions.of("luks", 1 << 20).withSecret(SECRET).withMore(Map.of("iter-time", "1")));
    }

    private void put(long offset, int value) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.seek(offset);
            file.writeInt(value);
        }
    }

    private Image open(String passphrase) {
        return Images.open(path, OpenOptions.defaults().withSecret(new Secret(passphrase.getBytes(StandardCharsets.UTF_8))));
    }

    @Test
    void opensByItsPassphraseOnly() {
        open("open").close();
        assertThatThrownBy(() -> open("Open")).isInstanceOf(UserException.class).hasMessageContaining("opens none");
    }

    @Test
    void refusesEndlessChecksOfTheKey() throws IOException {
        put(MK_DIGEST_ITERATIONS, -1);
        assertThatThrownBy(() -> open("open")).hasMessageContaining("4294967295 rounds, 1 to 20000000 are allowed");
    }

    @Test
    void refusesEndlessSlots() throws IOException {
        put(SLOTS + ITERATIONS, 20_000_001);
        assertThatThrownBy(() -> open("open")).hasMessageContaining("a key slot is out of range");
    }

    /** Each slot would be allowed by itself. */
    @Test
    void refusesWhatAddsUp() throws IOException {
        for (int slot = 0; slot < 8; slot++) {
            put(SLOTS + slot * SLOT, ACTIVE);
            put(SLOTS + slot * SLOT + ITERATIONS, 19_000_000);
        }
        assertThatThrownBy(() -> open("open")).hasMessageContaining("304 million rounds of sha256, at most 100 million");
    }

    @Test
    void anEncryptedImageIsLookedAtWithoutPassphrase() throws IOException {
        try (Image image = Images.inspect(path, OpenOptions.defaults())) {
            assertThat(image.info().virtualSize()).isEqualTo(1 << 20);
        }
    }
}
