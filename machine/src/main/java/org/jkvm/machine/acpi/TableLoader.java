package org.jkvm.machine.acpi;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The script by which firmware places ACPI tables that it gets by fw_cfg: QEMU's "etc/table-loader" (SeaBIOS
 * src/fw/romfile_loader.h, OVMF QemuLoader.h). Each command has 128 bytes; pointers in the files are offsets that the
 * firmware adds addresses to.
 */
final class TableLoader {
    /** Where the firmware is to put a file. */
    enum Zone {
        /** Anywhere below 4 GiB. */
        HIGH(1),
        /** In the F segment. */
        F_SEGMENT(2);

        private final int code;

        Zone(int code) {
            this.code = code;
        }
    }

    private static final int COMMAND_LENGTH = 128;
    private static final int NAME_LENGTH = 56;
    private static final int ALLOCATE = 1;
    private static final int ADD_POINTER = 2;
    private static final int ADD_CHECKSUM = 3;

    private final List<ByteBuffer> commands = new ArrayList<>();

    /** Loads {@code file} into memory. */
    void allocate(String file, int alignment, Zone zone) {
        put(name(command(ALLOCATE), file).putInt(alignment).put((byte) zone.code));
    }

    /** Adds {@code target}'s address to the {@code size} bytes at {@code offset} of {@code file}. */
    void addPointer(String file, String target, int offset, int size) {
        put(name(name(command(ADD_POINTER), file), target).putInt(offset).put((byte) size));
    }

    /** Makes the byte at {@code offset} of {@code file}, zero so far, the checksum of a range around it. */
    void addChecksum(String file, int offset, int start, int length) {
        put(name(command(ADD_CHECKSUM), file).putInt(offset).putInt(start).putInt(length));
    }

    /** The script. */
    byte[] script() {
        ByteBuffer all = ByteBuffer.allocate(commands.size() * COMMAND_LENGTH);
        commands.forEach(c -> all.put(c.array()));
        return all.array();
    }

    private void put(ByteBuffer command) {
        commands.add(command);
    }

    private static ByteBuffer command(int code) {
        return ByteBuffer.allocate(COMMAND_LENGTH).order(ByteOrder.LITTLE_ENDIAN).putInt(code);
    }

    private static ByteBuffer name(ByteBuffer command, String file) {
        byte[] padded = Arrays.copyOf(file.getBytes(StandardCharsets.US_ASCII), NAME_LENGTH);
        return command.put(padded);
    }
}
