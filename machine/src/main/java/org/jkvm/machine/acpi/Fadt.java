package org.jkvm.machine.acpi;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * The fixed ACPI description table, revision 5 (ACPI 5.0, section 5.2.9): where the PIIX4's power management registers
 * are, how to reset, what a PC has. Offsets below count from the table's start.
 */
final class Fadt {
    private static final int FIRMWARE_CTRL = 36;
    private static final int DSDT = 40;
    private static final int X_DSDT = 140;
    /** The fields that hold tables' addresses. */
    static final List<AcpiTables.Pointer> POINTERS = List.of(new AcpiTables.Pointer(FIRMWARE_CTRL, 4),
            new AcpiTables.Pointer(DSDT, 4), new AcpiTables.Pointer(X_DSDT, 8));
    private static final int REVISION = 5;
    private static final int LENGTH = 268;
    private static final int ACPI_ENABLE = 0xf1;
    private static final int ACPI_DISABLE = 0xf0;
    private static final int PM1A_EVT_LENGTH = 4;
    private static final int PM1A_CNT_LENGTH = 2;
    private static final int PM_TMR_LENGTH = 4;
    private static final int GPE0_LENGTH = 4;
    private static final int PM1A_CNT = 4;
    private static final int PM_TMR = 8;
    private static final int GPE0 = 0x0c;

    // Table 5-34, IA-PC boot architecture flags.
    private static final int LEGACY_DEVICES = 1;
    private static final int HAS_8042 = 1 << 1;
    private static final int VGA_NOT_PRESENT = 1 << 2;

    // Table 5-35, fixed feature flags.
    private static final int WBINVD = 1;
    private static final int PROC_C1 = 1 << 2;
    private static final int NO_FIXED_SLEEP_BUTTON = 1 << 5;
    private static final int TMR_VAL_EXT = 1 << 8;
    private static final int RESET_REG_SUP = 1 << 10;

    /** No C2 and no C3 state: latencies above 100 and 1000 microseconds. */
    private static final int NO_C2 = 0xfff;
    private static final int NO_C3 = 0xfff;
    private static final int RESET_CONTROL_PORT = 0xcf9;
    private static final int RESET_HARD = 0x06;
    private static final int SYSTEM_IO = 1;
    private static final int CMOS_CENTURY = 0x32;

    private final PcDescription pc;
    private final long facs;
    private final long dsdt;

    Fadt(PcDescription pc, long facs, long dsdt) {
        this.pc = pc;
        this.facs = facs;
        this.dsdt = dsdt;
    }

    /** The table. */
    byte[] table() {
        ByteBuffer t = ByteBuffer.allocate(LENGTH).order(ByteOrder.LITTLE_ENDIAN);
        t.putInt(FIRMWARE_CTRL, (int) facs).putInt(DSDT, (int) dsdt).putLong(X_DSDT, dsdt);
        t.put(45, (byte) 0).putShort(46, (short) pc.sciIrq());
        t.putInt(48, pc.smiCommandPort()).put(52, (byte) ACPI_ENABLE).put(53, (byte) ACPI_DISABLE);
        t.putInt(56, pc.pmBase()).put(88, (byte) PM1A_EVT_LENGTH);
        t.putInt(64, pc.pmBase() + PM1A_CNT).put(89, (byte) PM1A_CNT_LENGTH);
        t.putInt(76, pc.pmBase() + PM_TMR).put(91, (byte) PM_TMR_LENGTH);
        t.putInt(80, pc.pmBase() + GPE0).put(92, (byte) GPE0_LENGTH);
        t.putShort(96, (short) NO_C2).putShort(98, (short) NO_C3);
        t.put(108, (byte) CMOS_CENTURY);
        t.putShort(109, (short) (LEGACY_DEVICES | HAS_8042 | VGA_NOT_PRESENT));
        t.putInt(112, WBINVD | PROC_C1 | NO_FIXED_SLEEP_BUTTON | TMR_VAL_EXT | RESET_REG_SUP);
        putPort(t, 116, RESET_CONTROL_PORT, 1);
        t.put(128, (byte) RESET_HARD);
        putPort(t, 148, pc.pmBase(), PM1A_EVT_LENGTH);
        putPort(t, 172, pc.pmBase() + PM1A_CNT, PM1A_CNT_LENGTH);
        putPort(t, 208, pc.pmBase() + PM_TMR, PM_TMR_LENGTH);
        putPort(t, 220, pc.pmBase() + GPE0, GPE0_LENGTH);
        byte[] body = new byte[LENGTH - AcpiTable.HEADER];
        t.get(AcpiTable.HEADER, body);
        return AcpiTable.of("FACP", REVISION, body);
    }

    /** Section 5.2.3.2, generic address structure; access size 1 to 3 is byte, word, doubleword. */
    private static void putPort(ByteBuffer t, int at, int port, int bytes) {
        t.put(at, (byte) SYSTEM_IO).put(at + 1, (byte) (bytes * 8)).put(at + 2, (byte) 0);
        t.put(at + 3, (byte) (Integer.numberOfTrailingZeros(bytes) + 1)).putLong(at + 4, port);
    }
}
