package org.jkvm.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.jkvm.base.Line;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.base.time.ManualClock;
import org.jkvm.devices.bus.AddressSpace;
import org.jkvm.devices.i8042.I8042;
import org.jkvm.devices.serial.Uart16550;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The same port accesses, at random, to our chips and to QEMU's (through its test protocol, with the processors stopped
 * and so without time). Where the two are meant to differ, the histories here stay away from it and say so.
 */
class QemuOracleTest {
    private static final int COM1 = 0x3f8;
    /** The keyboard controller's status but for A2, which QEMU holds at one, and SYS, which it takes from no command byte. */
    private static final int STATUS = 0xf3;
    private static final int[] COMMANDS = {0x20, 0xa7, 0xa8, 0xa9, 0xab, 0xad, 0xae};
    private static final int[] COMMANDS_WITH_DATA = {0x60, 0xd2, 0xd3};
    private static final int[] KEYBOARD = {0xee, 0xf2, 0xf4, 0xf5, 0xf6, 0xff};
    /** Commands, and arguments that are none. QEMU's mouse says nothing to bytes that mean nothing; IBM's says FEh. */
    private static final int[] MOUSE = {0xe6, 0xe7, 0xe9, 0xea, 0xeb, 0xf0, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6,
        0xff};
    private static Process qemu;
    private static PrintWriter commands;
    private static BufferedReader answers;

    private final AddressSpace ports = new AddressSpace("io");
    private final ManualClock clock = new ManualClock();
    private final Random random = new Random(20);
    private final List<String> history = new ArrayList<>();

    @BeforeAll
    static void start() throws IOException {
        assumeTrue(Stream.of(System.getenv("PATH").split(":")).anyMatch(d -> Files.isExecutable(
                Path.of(d, "qemu-system-x86_64"))), "qemu-system-x86_64 is not installed");
        qemu = new ProcessBuilder("qemu-system-x86_64", "-S", "-accel", "tcg", "-machine", "pc", "-m", "16", "-nodefaults",
                "-display", "none", "-serial", "null", "-qtest", "stdio")
                .redirectError(ProcessBuilder.Redirect.DISCARD).start();
        commands = new PrintWriter(qemu.outputWriter(), true);
        answers = qemu.inputReader();
    }

    @AfterAll
    static void stop() {
        if (qemu != null) {
            qemu.destroyForcibly();
        }
    }

    private static int ask(String command) {
        try {
            commands.println(command);
            String answer = answers.readLine();
            while (!answer.startsWith("OK")) {
                answer = answers.readLine();
            }
            return answer.length() > 3 ? Integer.decode(answer.substring(3)) : 0;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private void out(int port, int value) {
        history.add("out %xh, %02xh".formatted(port, value));
        ports.write(port, 1, value);
        ask("outb " + port + " " + value);
    }

    private int in(int port) {
        return in(port, 0xff);
    }

    /** Reads both, and compares the bits of {@code mask}. */
    private int in(int port, int mask) {
        int ours = (int) ports.read(port, 1) & mask;
        int theirs = ask("inb " + port) & mask;
        history.add("in %xh is %02xh, QEMU %02xh".formatted(port, ours, theirs));
        assertThat(ours).as(() -> String.join("\n", history.subList(Math.max(0, history.size() - 25), history.size())))
                .isEqualTo(theirs);
        return ours;
    }

    @Test
    void uart() {
        Uart16550 uart = new Uart16550(Line.UNCONNECTED, clock, CharacterBackend.NULL, Runnable::run);
        ports.map("com1", COM1, 8, uart.window());
        // QEMU starts with OUT2 on; the datasheet (table I) says off.
        out(COM1 + 4, 0);
        in(COM1 + 6);
        for (int i = 0; i < 5000; i++) {
            int register = random.nextInt(8);
            if (random.nextBoolean() && (register != 0 || (in(COM1 + 5) & 1) != 0)) {
                in(COM1 + register, register == 6 ? 0xf0 : 0xff);
            } else {
                out(COM1 + register, uartValue(register));
            }
        }
    }

    /**
     * QEMU loops back neither changes of modem lines nor breaks (section 8.8 does), has eight bits in a character, and
     * takes all of FCR while its FIFO enable bit is zero (section 8.5 does not).
     */
    private int uartValue(int register) {
        int value = random.nextInt(256);
        return switch (register) {
            case 1 -> value & ~0x08;
            case 2 -> (value & 1) == 0 ? 0 : value;
            case 3 -> value & ~0x40 | 0x03;
            default -> value;
        };
    }

    @Test
    void keyboardController() {
        I8042 kbc = new I8042(Line.UNCONNECTED, Line.UNCONNECTED, Line.UNCONNECTED, () -> { });
        kbc.reset();
        ports.map("data", 0x60, 1, kbc.dataWindow());
        ports.map("control", 0x64, 1, kbc.controlWindow());
        out(0x64, 0x60);
        out(0x60, 0x43);
        out(0x64, 0xd4);
        out(0x60, 0xff);
        drain();
        for (int i = 0; i < 3000; i++) {
            switch (random.nextInt(6)) {
                case 0 -> out(0x64, any(COMMANDS));
                case 1 -> {
                    out(0x64, any(COMMANDS_WITH_DATA));
                    out(0x60, random.nextInt(256));
                }
                case 2 -> {
                    out(0x64, 0xd4);
                    out(0x60, any(MOUSE));
                }
                case 3 -> {
                    out(0x60, random.nextBoolean() ? 0xed : 0xf3);
                    drain();
                    out(0x60, random.nextInt(8));
                }
                default -> out(0x60, random.nextBoolean() ? random.nextInt(1, 0xed) : any(KEYBOARD));
            }
            drain();
        }
    }

    private int any(int[] choices) {
        return choices[random.nextInt(choices.length)];
    }

    private void drain() {
        while ((in(0x64, STATUS) & 1) != 0) {
            in(0x60);
        }
    }
}
