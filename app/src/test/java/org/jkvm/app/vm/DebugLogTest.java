package org.jkvm.app.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jkvm.base.Line;
import org.jkvm.base.UserException;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.base.time.ManualClock;
import org.jkvm.devices.Device;
import org.jkvm.devices.dma.DmaPages;
import org.jkvm.devices.serial.Uart16550;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DebugLogTest {
    @TempDir
    private Path folder;
    private final Uart16550 uart =
            new Uart16550(Line.UNCONNECTED, new ManualClock(), CharacterBackend.NULL, Runnable::run);
    private final DmaPages pages = new DmaPages();

    private Path log(String... items) {
        Path file = folder.resolve("log");
        try (DebugLog log = new DebugLog(List.of(items), Optional.of(file))) {
            log.attach(Map.<String, Device>of("serial0", uart, "dma-pages", pages));
            uart.window().write(3, 1, 3);
            uart.window().write(2, 1, 9);
            uart.window().read(5, 1);
            pages.window().write(0, 1, 0x42);
        }
        return file;
    }

    @Test
    void tracesRegistersOfMatchingDevicesWithTheirFields() {
        assertThat(log("trace:serial*")).hasContent("""
                serial0: write uart16550.LCR 3h WLS=3
                serial0: write uart16550.FCR 9h FIFOEN DMAMODE
                serial0: read uart16550.LSR 60h THRE TEMT
                """);
    }

    @Test
    void reportsWhatDoesNothing() {
        assertThat(log("unimp")).hasContent("serial0: uart16550: bits of FCR that do nothing here: 9h FIFOEN DMAMODE\n");
    }

    @Test
    void patternsAreNoRegularExpressions() {
        assertThat(log("trace:.*", "trace:dma?pages")).hasContent("dma-pages: write dma-pages.PAGE0 42h\n");
    }

    @Test
    void withoutItemsNoFileIsMade() {
        assertThat(log()).doesNotExist();
    }

    @Test
    void refusesUnknownItemsAndImpossibleFiles() {
        assertThatThrownBy(() -> new DebugLog(List.of("op_asm"), Optional.empty()))
                .isInstanceOf(UserException.class).hasMessageContaining("op_asm");
        assertThatThrownBy(() -> new DebugLog(List.of("unimp"), Optional.of(folder)))
                .isInstanceOf(UserException.class).hasMessageContaining("-D");
    }
}
