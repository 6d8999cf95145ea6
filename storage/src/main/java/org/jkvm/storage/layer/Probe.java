package org.jkvm.storage.layer;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Tells an image's format by its first bytes. */
public final class Probe {
    /** How many bytes to show; a shorter file is filled up with zeroes. */
    public static final int LENGTH = 512;

    private record Magic(String format, int offset, byte[] bytes) {
        static Magic of(String format, int offset, String latin1) {
            return new Magic(format, offset, latin1.getBytes(StandardCharsets.ISO_8859_1));
        }

        boolean matches(byte[] start) {
            return Arrays.equals(start, offset, offset + bytes.length, bytes, 0, bytes.length);
        }
    }

    private static final List<Magic> MAGICS = List.of(
            Magic.of("qcow", 0, "QFI\u00fb\0\0\0\1"),
            Magic.of("qcow2", 0, "QFI\u00fb"),
            Magic.of("qed", 0, "QED\0"),
            Magic.of("vmdk", 0, "KDMV"),
            Magic.of("vmdk", 0, "COWD"),
            Magic.of("vmdk", 0, "# Disk DescriptorFile"),
            Magic.of("vhdx", 0, "vhdxfile"),
            Magic.of("vpc", 0, "conectix"),
            Magic.of("vdi", 0x40, "\u007f\u0010\u00da\u00be"),
            Magic.of("luks", 0, "LUKS\u00ba\u00be"),
            Magic.of("parallels", 0, "WithoutFreeSpace"),
            Magic.of("parallels", 0, "WithouFreSpacExt"),
            Magic.of("bochs", 0, "Bochs Virtual HD Image"));

    private Probe() {
    }

    /** The format's name; {@code "raw"} where nothing is recognised. */
    public static String guess(MemorySegment start) {
        byte[] bytes = start.asSlice(0, LENGTH).toArray(ValueLayout.JAVA_BYTE);
        return MAGICS.stream().filter(m -> m.matches(bytes)).map(Magic::format).findFirst().orElse("raw");
    }
}
