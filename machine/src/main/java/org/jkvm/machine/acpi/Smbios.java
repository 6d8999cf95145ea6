package org.jkvm.machine.acpi;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jkvm.machine.memory.MemoryMap;
import org.jkvm.machine.memory.RamLayout;

/**
 * SMBIOS tables (DMTF DSP0134, version 2.8) with the structures that the specification requires of every system
 * (annex A): what a guest calls its DMI information. The entry point must be on a 16-byte boundary of the F segment.
 */
public final class Smbios {
    private static final int ENTRY_POINT_LENGTH = 31;
    private static final int ENTRY_POINT_ROOM = 32;
    private static final int INTERMEDIATE = 16;
    private static final int HANDLE_CHASSIS = 0x300;
    private static final int HANDLE_MEMORY_ARRAY = 0x1000;
    private static final int NOT_PROVIDED = 0xfffe;
    private static final int OTHER = 1;
    private static final int UNKNOWN = 2;
    private static final long MIB = 1 << 20;
    private static final long KIB = 1 << 10;
    private static final int SIZE_EXTENDED = 0x7fff;

    private final ByteArrayOutputStream structures = new ByteArrayOutputStream();
    private final RamLayout ram;
    private final int vcpus;
    private final long start;
    private int count;
    private int largest;

    /** The tables for a machine of {@code vcpus} processors, to be put at {@code start}. */
    public Smbios(RamLayout ram, int vcpus, long start) {
        this.ram = ram;
        this.vcpus = vcpus;
        this.start = start;
        firmware();
        system();
        chassis();
        processor();
        memoryArray();
        memoryDevice();
        memoryMapping(0x1300, 0, ram.below4g());
        if (ram.above4g() > 0) {
            memoryMapping(0x1301, MemoryMap.FOUR_GIB, ram.above4g());
        }
        add(32, 0x2000, buffer(7));
        add(127, 0x7f00, buffer(0));
    }

    /** The entry point alone; its pointer to the structures is for the start address. */
    byte[] anchor() {
        return entryPoint();
    }

    /** The structures alone. */
    byte[] structures() {
        return structures.toByteArray();
    }

    /** The entry point and behind it the structures, as they are to be copied to the start address. */
    public byte[] image() {
        return Aml.terms(Arrays.copyOf(entryPoint(), ENTRY_POINT_ROOM), structures.toByteArray());
    }

    /** Section 5.2.1, SMBIOS 2.1 (32-bit) entry point. */
    private byte[] entryPoint() {
        ByteBuffer e = buffer(ENTRY_POINT_LENGTH);
        e.put(AcpiTable.ascii("_SM_")).put(5, (byte) ENTRY_POINT_LENGTH).put(6, (byte) 2).put(7, (byte) 8);
        e.putShort(8, (short) largest);
        e.put(16, AcpiTable.ascii("_DMI_")).putShort(22, (short) structures.size());
        e.putInt(24, (int) start + ENTRY_POINT_ROOM).putShort(28, (short) count).put(30, (byte) 0x28);
        byte[] intermediate = new byte[ENTRY_POINT_LENGTH - INTERMEDIATE];
        e.get(INTERMEDIATE, intermediate);
        e.put(INTERMEDIATE, AcpiTable.checksummed(intermediate, 5, intermediate.length));
        return AcpiTable.checksummed(e.array(), 4, ENTRY_POINT_LENGTH);
    }

    /** Section 7.1: a virtual machine (extension byte 2, bit 4), characteristics not supported (bit 3). */
    private void firmware() {
        ByteBuffer b = buffer(20).put(0, (byte) 1).put(1, (byte) 2).putShort(2, (short) 0xf000).put(4, (byte) 3);
        b.putLong(6, 1 << 3).put(15, (byte) (1 << 4)).put(16, (byte) 0).put(17, (byte) 1);
        b.put(18, (byte) 0xff).put(19, (byte) 0xff);
        add(0, 0, b, "jkvm", "0.1", "01/01/2026");
    }

    /** Section 7.2: no UUID (all zeroes: not present), woken by the power switch. */
    private void system() {
        ByteBuffer b = buffer(23).put(0, (byte) 1).put(1, (byte) 2).put(2, (byte) 3).put(20, (byte) 6);
        add(1, 0x100, b, "jkvm", "Standard PC (i440FX + PIIX)", "1");
    }

    /** Section 7.4. */
    private void chassis() {
        ByteBuffer b = buffer(18).put(0, (byte) 1).put(1, (byte) OTHER).put(5, (byte) 3).put(6, (byte) 3).put(7, (byte) 3);
        b.put(8, (byte) 2);
        add(3, HANDLE_CHASSIS, b, "jkvm");
    }

    /** Section 7.5: one socket with a core for each vCPU; the family is in CPUID. */
    private void processor() {
        ByteBuffer b = buffer(38).put(0, (byte) 1).put(1, (byte) 3).put(2, (byte) OTHER).put(3, (byte) 2);
        b.put(20, (byte) 0x41).put(21, (byte) OTHER).putShort(22, (short) -1).putShort(24, (short) -1);
        b.putShort(26, (short) -1).putShort(36, (short) UNKNOWN);
        byte cores = (byte) Math.min(vcpus, 0xff);
        b.put(31, cores).put(32, cores).put(33, cores).putShort(34, (short) UNKNOWN);
        add(4, 0x400, b, "CPU 0", "jkvm");
    }

    /** Section 7.17: system memory on the board, no error correction, one device. */
    private void memoryArray() {
        long kib = ram.size() / KIB;
        boolean small = kib < 0x8000_0000L;
        ByteBuffer b = buffer(19).put(0, (byte) 3).put(1, (byte) 3).put(2, (byte) 3);
        b.putInt(3, small ? (int) kib : 0x8000_0000).putShort(7, (short) NOT_PROVIDED).putShort(9, (short) 1);
        b.putLong(11, small ? 0 : ram.size());
        add(16, HANDLE_MEMORY_ARRAY, b);
    }

    /** Section 7.18. */
    private void memoryDevice() {
        long mib = ram.size() / MIB;
        ByteBuffer b = buffer(36).putShort(0, (short) HANDLE_MEMORY_ARRAY).putShort(2, (short) NOT_PROVIDED);
        b.putShort(4, (short) -1).putShort(6, (short) -1).putShort(8, (short) Math.min(mib, SIZE_EXTENDED));
        b.put(10, (byte) 9).put(12, (byte) 1).put(14, (byte) 7).putShort(15, (short) 2);
        b.putInt(24, mib >= SIZE_EXTENDED ? (int) mib : 0);
        add(17, 0x1100, b, "DIMM 0");
    }

    /** Section 7.20; extended addresses where kibibytes do not fit 32 bits. */
    private void memoryMapping(int handle, long from, long length) {
        long first = from / KIB;
        long last = (from + length) / KIB - 1;
        boolean small = last < 0xffff_ffffL;
        ByteBuffer b = buffer(27).putInt(0, small ? (int) first : -1).putInt(4, small ? (int) last : -1);
        b.putShort(8, (short) HANDLE_MEMORY_ARRAY).put(10, (byte) 1);
        b.putLong(11, small ? 0 : from).putLong(19, small ? 0 : from + length - 1);
        add(19, handle, b);
    }

    /** Section 6.1.2: header, formatted area, then the strings, each with a zero byte, and one more. */
    private void add(int type, int handle, ByteBuffer body, String... strings) {
        int before = structures.size();
        ByteBuffer header = buffer(4).put((byte) type).put((byte) (4 + body.capacity())).putShort((short) handle);
        structures.writeBytes(header.array());
        structures.writeBytes(body.array());
        for (String s : strings) {
            structures.writeBytes(s.getBytes(StandardCharsets.US_ASCII));
            structures.write(0);
        }
        structures.writeBytes(new byte[strings.length == 0 ? 2 : 1]);
        largest = Math.max(largest, structures.size() - before);
        count++;
    }

    private static ByteBuffer buffer(int length) {
        return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    }
}
