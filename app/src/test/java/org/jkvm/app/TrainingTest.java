package org.jkvm.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jkvm.testkit.Assembly;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The guest that fills the ahead-of-time cache. */
class TrainingTest {
    private static final Path SOURCE = Path.of("src/main/resources/org/jkvm/app/training.s");
    private static final Path HEX = Path.of("src/main/resources/org/jkvm/app/training.hex");
    private static final long ADDRESS = 0x10_0000;

    @TempDir
    private Path folder;

    @Test
    void bytesAreWhatTheAssemblyGives() throws Exception {
        assumeTrue(Assembly.isInstalled(), "GNU as and ld are not installed");
        Assembly.check(SOURCE, HEX, ADDRESS, folder);
    }

    @Test
    @Timeout(120)
    void itsGuestEndsByResettingTheMachine() throws IOException {
        Path kernel = folder.resolve("training.bin");
        Files.write(kernel, Training.guest());
        assertThat(Kvm.run("-accel", "soft", "-nodefaults", "-display", "none", "-serial", "null", "-no-reboot", "-m", "128",
                "-kernel", kernel.toString())).isZero();
    }
}
