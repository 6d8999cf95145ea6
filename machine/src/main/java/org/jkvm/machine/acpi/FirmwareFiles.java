package org.jkvm.machine.acpi;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jkvm.machine.memory.MemoryMap;

/** The tables as files for fw_cfg, where firmware takes them from (QEMU, docs/specs/acpi and its fw_cfg file names). */
public final class FirmwareFiles {
    /** The ACPI root pointer. */
    static final String RSDP = "etc/acpi/rsdp";
    /** All other ACPI tables. */
    static final String TABLES = "etc/acpi/tables";
    /** How to put them into memory. */
    static final String LOADER = "etc/table-loader";
    private static final int ALIGNMENT = 64;
    private static final int ROOM = 1 << 16;
    private static final int E820_ENTRY_LENGTH = 20;

    private FirmwareFiles() {
    }

    /** The files by name. */
    public static Map<String, byte[]> of(PcDescription pc, MemoryMap map, Smbios smbios) {
        AcpiTables acpi = new AcpiTables(pc, 0, ROOM);
        byte[] tables = acpi.image();
        byte[] rsdp = Arrays.copyOf(tables, AcpiTables.RSDP_LENGTH);
        Arrays.fill(tables, 0, AcpiTables.RSDP_LENGTH, (byte) 0);
        byte[] script = script(acpi, rsdp, tables);
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put(RSDP, rsdp);
        files.put(TABLES, tables);
        files.put(LOADER, script);
        files.put("etc/e820", e820(map));
        files.put("etc/smbios/smbios-anchor", smbios.anchor());
        files.put("etc/smbios/smbios-tables", smbios.structures());
        return files;
    }

    /** Clears the checksums that the script has the firmware make. */
    private static byte[] script(AcpiTables acpi, byte[] rsdp, byte[] tables) {
        TableLoader loader = new TableLoader();
        loader.allocate(RSDP, 16, TableLoader.Zone.F_SEGMENT);
        loader.allocate(TABLES, ALIGNMENT, TableLoader.Zone.HIGH);
        for (AcpiTables.Pointer p : acpi.pointers()) {
            loader.addPointer(p.offset() < AcpiTables.RSDP_LENGTH ? RSDP : TABLES, TABLES, p.offset(), p.size());
        }
        rsdp[8] = 0;
        rsdp[32] = 0;
        loader.addChecksum(RSDP, 8, 0, AcpiTables.RSDP_V1_LENGTH);
        loader.addChecksum(RSDP, 32, 0, AcpiTables.RSDP_LENGTH);
        for (String signature : new String[] {"FACP", "RSDT", "XSDT"}) {
            int at = (int) (long) acpi.places().get(signature);
            tables[at + AcpiTable.CHECKSUM] = 0;
            loader.addChecksum(TABLES, at + AcpiTable.CHECKSUM, at, acpi.table(signature).length);
        }
        return loader.script();
    }

    private static byte[] e820(MemoryMap map) {
        ByteBuffer table = ByteBuffer.allocate(map.ranges().size() * E820_ENTRY_LENGTH)
                .order(ByteOrder.LITTLE_ENDIAN);
        map.ranges().forEach(r -> table.putLong(r.start()).putLong(r.length()).putInt(r.type().code()));
        return table.array();
    }
}
