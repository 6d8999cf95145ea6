package org.jkvm.machine.acpi;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jkvm.base.Bits;

/**
 * The PC's ACPI tables (ACPI 6.4, chapter 5), laid out for one place in guest memory: RSDP, FACS, DSDT, FADT, MADT, XSDT and
 * RSDT.
 */
public final class AcpiTables {
    // Section 5.2.12: interrupt controller structure types.
    private static final int LOCAL_APIC = 0;
    private static final int IO_APIC = 1;
    private static final int INTERRUPT_SOURCE_OVERRIDE = 2;
    private static final int LOCAL_APIC_NMI = 4;
    private static final int LOCAL_X2APIC = 9;
    private static final int LARGEST_XAPIC_ID = 254;
    private static final int ENABLED = 1;
    private static final int PCAT_COMPAT = 1;
    private static final long LOCAL_APIC_ADDRESS = 0xfee0_0000L;
    private static final long IO_APIC_ADDRESS = 0xfec0_0000L;
    private static final int ACTIVE_HIGH_LEVEL = 0b11_01;
    private static final int LINT1 = 1;
    private static final int TIMER_GSI = 2;

    /** Bytes of the root pointer, which is at the image's start. */
    static final int RSDP_LENGTH = 36;
    /** Bytes of its part that ACPI 1.0 knew. */
    static final int RSDP_V1_LENGTH = 20;
    private static final int FACS_LENGTH = 64;
    private static final int FACS_ALIGNMENT = 64;

    private final PcDescription pc;
    private final long start;
    private final Map<String, Long> places = new LinkedHashMap<>();
    private final List<Pointer> pointers = new ArrayList<>();
    private final ByteBuffer image;

    /**
     * A place that holds a table's address.
     *
     * @param offset from the image's start
     * @param size   4 or 8 bytes
     */
    record Pointer(int offset, int size) {
    }

    /**
     * Builds the tables.
     *
     * @param start  where they go, 64-byte aligned
     * @param length the room there
     * @throws IllegalArgumentException when they don't fit
     */
    public AcpiTables(PcDescription pc, long start, int length) {
        this.pc = pc;
        this.start = start;
        this.image = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        image.position(RSDP_LENGTH);
        long facs = put("FACS", facs(), FACS_ALIGNMENT);
        long dsdt = put("DSDT", new Dsdt(pc).table(), 16);
        List<Long> listed = List.of(put("FACP", new Fadt(pc, facs, dsdt).table(), 16), put("APIC", madt(), 16));
        long rsdt = put("RSDT", AcpiTable.of("RSDT", 1, pointers(listed, Integer.BYTES)), 16);
        long xsdt = put("XSDT", AcpiTable.of("XSDT", 1, pointers(listed, Long.BYTES)), 16);
        image.put(0, rsdp(rsdt, xsdt));
        places.put("RSD PTR ", start);
        findPointers(listed.size());
    }

    private void findPointers(int listed) {
        pointers.addAll(List.of(new Pointer(16, 4), new Pointer(24, 8)));
        for (Pointer inFadt : Fadt.POINTERS) {
            pointers.add(new Pointer(offset("FACP") + inFadt.offset, inFadt.size));
        }
        for (int i = 0; i < listed; i++) {
            pointers.add(new Pointer(offset("RSDT") + AcpiTable.HEADER + 4 * i, 4));
            pointers.add(new Pointer(offset("XSDT") + AcpiTable.HEADER + 8 * i, 8));
        }
    }

    /** The root pointer's address. */
    public long rsdp() {
        return start;
    }

    /** All tables, as they are to be copied to the start address. */
    public byte[] image() {
        return Arrays.copyOf(image.array(), image.position());
    }

    /** Where each table is, by signature: guest physical addresses. */
    public Map<String, Long> places() {
        return Map.copyOf(places);
    }

    /** Where the image holds addresses inside the image. */
    List<Pointer> pointers() {
        return List.copyOf(pointers);
    }

    private int offset(String signature) {
        return (int) (places.get(signature) - start);
    }

    /** A table's bytes, by signature. */
    byte[] table(String signature) {
        int at = offset(signature);
        byte[] table = new byte[image.getInt(at + 4)];
        image.get(at, table);
        return table;
    }

    private long put(String signature, byte[] table, int alignment) {
        int at = (int) Bits.alignUp(image.position(), alignment);
        if (at + table.length > image.capacity()) {
            throw new IllegalArgumentException("the ACPI tables do not fit " + image.capacity() + " bytes");
        }
        image.position(at);
        image.put(table);
        places.put(signature, start + at);
        return start + at;
    }

    /** Section 5.2.5.3. */
    private static byte[] rsdp(long rsdt, long xsdt) {
        ByteBuffer t = ByteBuffer.allocate(RSDP_LENGTH).order(ByteOrder.LITTLE_ENDIAN);
        t.put(AcpiTable.ascii("RSD PTR ")).put((byte) 0).put(AcpiTable.ascii("JKVM  ")).put((byte) 2).putInt((int) rsdt);
        t.putInt(RSDP_LENGTH).putLong(xsdt);
        AcpiTable.checksummed(t.array(), 8, RSDP_V1_LENGTH);
        return AcpiTable.checksummed(t.array(), 32, RSDP_LENGTH);
    }

    /** Section 5.2.10; the operating system writes here. */
    private static byte[] facs() {
        ByteBuffer t = ByteBuffer.allocate(FACS_LENGTH).order(ByteOrder.LITTLE_ENDIAN);
        t.put(AcpiTable.ascii("FACS")).putInt(FACS_LENGTH);
        return t.put(32, (byte) 1).array();
    }

    /** Section 5.2.12, multiple APIC description table. */
    private byte[] madt() {
        ByteBuffer t = ByteBuffer.allocate(8 + pc.vcpus() * 16 + 256).order(ByteOrder.LITTLE_ENDIAN);
        t.putInt((int) LOCAL_APIC_ADDRESS).putInt(PCAT_COMPAT);
        for (int i = 0; i < pc.vcpus(); i++) {
            putProcessor(t, i);
        }
        t.put((byte) IO_APIC).put((byte) 12).put((byte) 0).put((byte) 0).putInt((int) IO_APIC_ADDRESS).putInt(0);
        putOverride(t, 0, TIMER_GSI, 0);
        List<Integer> levelTriggered = new ArrayList<>(pc.pciIrqs());
        levelTriggered.add(pc.sciIrq());
        levelTriggered.stream().sorted().forEach(irq -> putOverride(t, irq, irq, ACTIVE_HIGH_LEVEL));
        t.put((byte) LOCAL_APIC_NMI).put((byte) 6).put((byte) 0xff).putShort((short) 0).put((byte) LINT1);
        return AcpiTable.of("APIC", 3, Arrays.copyOf(t.array(), t.position()));
    }

    private static void putProcessor(ByteBuffer t, int index) {
        if (index <= LARGEST_XAPIC_ID) {
            t.put((byte) LOCAL_APIC).put((byte) 8).put((byte) index).put((byte) index).putInt(ENABLED);
        } else {
            t.put((byte) LOCAL_X2APIC).put((byte) 16).putShort((short) 0).putInt(index).putInt(ENABLED).putInt(index);
        }
    }

    private static void putOverride(ByteBuffer t, int irq, int gsi, int flags) {
        t.put((byte) INTERRUPT_SOURCE_OVERRIDE).put((byte) 10).put((byte) 0).put((byte) irq).putInt(gsi);
        t.putShort((short) flags);
    }

    private static byte[] pointers(List<Long> tables, int size) {
        ByteBuffer t = ByteBuffer.allocate(tables.size() * size).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < tables.size(); i++) {
            for (int b = 0; b < size; b++) {
                t.put(i * size + b, (byte) (tables.get(i) >> 8 * b));
            }
        }
        return t.array();
    }
}
