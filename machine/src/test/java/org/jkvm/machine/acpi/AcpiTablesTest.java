package org.jkvm.machine.acpi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jkvm.machine.acpi.PcDescription.SerialPort;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AcpiTablesTest {
    private static final long START = 0xf_0000;

    @TempDir
    private Path folder;

    private static AcpiTables tables(int vcpus) {
        return new AcpiTables(new PcDescription(vcpus, 0x600, 0xb2, 9, List.of(5, 10, 11), 1, 0xc000_0000L,
                List.of(new SerialPort(0x3f8, 4), new SerialPort(0x2f8, 3)), 0x510, 0xae00, 2), START, 0xf000);
    }

    @Test
    void everyTableIsReachableFromTheRootAndSumsUpToZero() {
        AcpiTables tables = tables(4);
        ByteBuffer image = ByteBuffer.wrap(tables.image()).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(AcpiTable.sum(tables.image(), 20)).isZero();
        assertThat(AcpiTable.sum(tables.image(), 36)).isZero();
        assertThat(image.getInt(16)).isEqualTo((int) (long) tables.places().get("RSDT"));
        assertThat(image.getLong(24)).isEqualTo(tables.places().get("XSDT"));
        for (String signature : List.of("DSDT", "FACP", "APIC", "RSDT", "XSDT")) {
            byte[] table = tables.table(signature);
            assertThat(AcpiTable.sum(table, table.length)).as(signature).isZero();
            assertThat(new String(table, 0, 4)).isEqualTo(signature);
        }
        ByteBuffer xsdt = ByteBuffer.wrap(tables.table("XSDT")).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(xsdt.getLong(36)).isEqualTo(tables.places().get("FACP"));
        assertThat(xsdt.getLong(44)).isEqualTo(tables.places().get("APIC"));
    }

    @Test
    void theFadtNamesThePowerManagementPorts() {
        ByteBuffer fadt = ByteBuffer.wrap(tables(1).table("FACP")).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(fadt.getInt(56)).isEqualTo(0x600);
        assertThat(fadt.getInt(64)).isEqualTo(0x604);
        assertThat(fadt.getInt(76)).isEqualTo(0x608);
        assertThat(fadt.getLong(116 + 4)).isEqualTo(0xcf9);
        assertThat(fadt.get(128)).isEqualTo((byte) 6);
        assertThat(fadt.getLong(140)).isEqualTo(tables(1).places().get("DSDT"));
    }

    @Test
    void processorsBeyondTheXapicAreX2apics() {
        byte[] madt = tables(255).table("APIC");
        byte[] larger = tables(256).table("APIC");
        assertThat(larger.length - madt.length).isEqualTo(16);
    }

    @Test
    void tablesThatDoNotFitAreRefused() {
        assertThatThrownBy(() -> new AcpiTables(new PcDescription(1, 0x600, 0xb2, 9, List.of(), 1, 0, List.of(), 0, 0, 2),
                START, 256)).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 255})
    void iaslDisassemblesAndAssemblesTheTables(int vcpus) throws Exception {
        assumeTrue(Stream.of("/usr/bin/iasl", "/usr/local/bin/iasl").map(Path::of).anyMatch(Files::exists),
                "iasl is not installed (Debian package acpica-tools)");
        for (String signature : List.of("DSDT", "FACP", "APIC")) {
            Path table = Files.write(folder.resolve(signature + vcpus + ".aml"), tables(vcpus).table(signature));
            run("iasl", "-d", table.toString());
            String messages = run("iasl", "-p", folder.resolve("out").toString(),
                    table.toString().replace(".aml", ".dsl"));
            assertThat(messages).contains("Compilation successful. 0 Errors, 0 Warnings");
        }
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes());
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }
}
