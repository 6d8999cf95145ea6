package org.jkvm.machine.acpi;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jkvm.machine.memory.RamLayout;
import org.junit.jupiter.api.Test;

class FirmwareFilesTest {
    private static final PcDescription PC = new PcDescription(2, 0x600, 0xb2, 9, List.of(5, 10, 11), 1, 0xc000_0000L,
            List.of(new PcDescription.SerialPort(0x3f8, 4)), 0x510, 0xae00, 2);
    private static final int RSDP_AT = 0xf_5a00;
    private static final int TABLES_AT = 0x7f0_0000;

    private final Map<String, byte[]> files;
    private final Map<String, Integer> places = new HashMap<>();

    FirmwareFilesTest() {
        RamLayout ram = new RamLayout(128 << 20);
        files = FirmwareFiles.of(PC, ram.memoryMap(), new Smbios(ram, 2, 0xf_e000));
    }

    private static String name(ByteBuffer command, int at) {
        byte[] name = new byte[56];
        command.get(at, name);
        return new String(name, StandardCharsets.US_ASCII).trim();
    }

    /** What firmware does with one command. */
    private void execute(ByteBuffer c) {
        byte[] file = files.get(name(c, 4));
        switch (c.getInt(0)) {
            case 1 -> places.put(name(c, 4), c.get(64) == 2 ? RSDP_AT : TABLES_AT);
            case 2 -> add(file, c.getInt(116), c.get(120), places.get(name(c, 60)));
            case 3 -> {
                byte[] range = Arrays.copyOfRange(file, c.getInt(64), c.getInt(64) + c.getInt(68));
                file[c.getInt(60)] -= (byte) AcpiTable.sum(range, range.length);
            }
            default -> throw new AssertionError("command " + c.getInt(0));
        }
    }

    private static void add(byte[] file, int offset, int size, int address) {
        ByteBuffer b = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        long sum = (size == 4 ? b.getInt(offset) & 0xffff_ffffL : b.getLong(offset)) + address;
        for (int i = 0; i < size; i++) {
            file[offset + i] = (byte) (sum >> 8 * i);
        }
    }

    @Test
    void firmwareThatFollowsTheScriptGetsTheTablesForThatPlace() {
        byte[] script = files.get(FirmwareFiles.LOADER);
        for (int at = 0; at < script.length; at += 128) {
            execute(ByteBuffer.wrap(script, at, 128).slice().order(ByteOrder.LITTLE_ENDIAN));
        }
        AcpiTables there = new AcpiTables(PC, TABLES_AT, 1 << 16);
        byte[] expected = there.image();
        assertThat(files.get(FirmwareFiles.RSDP)).isEqualTo(Arrays.copyOf(expected, AcpiTables.RSDP_LENGTH));
        Arrays.fill(expected, 0, AcpiTables.RSDP_LENGTH, (byte) 0);
        assertThat(files.get(FirmwareFiles.TABLES)).isEqualTo(expected);
    }

    @Test
    void theMemoryMapIsThere() {
        ByteBuffer map = ByteBuffer.wrap(files.get("etc/e820")).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(map.capacity()).isEqualTo(4 * 20);
        assertThat(map.getLong(60)).isEqualTo(0x10_0000);
        assertThat(map.getLong(68)).isEqualTo(127 << 20);
        assertThat(map.getInt(76)).isEqualTo(1);
    }
}
