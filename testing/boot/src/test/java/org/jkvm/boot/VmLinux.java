package org.jkvm.boot;

import com.github.luben.zstd.ZstdInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.apache.commons.compress.compressors.lz4.BlockLZ4CompressorInputStream;
import org.tukaani.xz.XZInputStream;

/** Takes the ELF file out of a bzImage. */
final class VmLinux {
    /** Legacy frame format of lz4 (lz4_Frame_format.md, "Legacy frame"): magic, then blocks of size and data. */
    private static final int LZ4_LEGACY = 0x184c_2102;
    private static final int XZ = 0x587a_37fd;
    private static final int ZSTD = 0xfd2f_b528;
    private static final int SECTOR = 512;

    private VmLinux() {
    }

    /**
     * Writes the ELF file of {@code bzImage}. Its place is told by setup_sects, payload_offset and payload_length (Linux
     * Documentation/x86/boot.rst); the payload's last four bytes are the unpacked size.
     */
    static Path extract(Path bzImage, Path target) throws IOException {
        ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(bzImage)).order(ByteOrder.LITTLE_ENDIAN);
        int from = (Byte.toUnsignedInt(file.get(0x1f1)) + 1) * SECTOR + file.getInt(0x248);
        return Files.write(target, unpack(file.slice(from, file.getInt(0x24c) - 4).order(ByteOrder.LITTLE_ENDIAN)));
    }

    private static byte[] unpack(ByteBuffer packed) throws IOException {
        int magic = packed.getInt(0);
        return switch (magic) {
            case LZ4_LEGACY -> lz4(packed.position(4));
            case XZ -> all(new XZInputStream(stream(packed)));
            case ZSTD -> all(new ZstdInputStream(stream(packed)));
            default -> throw new IOException("a kernel packed in a way that is not known here: magic %08x".formatted(magic));
        };
    }

    private static byte[] lz4(ByteBuffer blocks) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        while (blocks.remaining() > 4) {
            int size = blocks.getInt();
            try (InputStream block = new BlockLZ4CompressorInputStream(stream(blocks.slice(blocks.position(), size)))) {
                block.transferTo(all);
            }
            blocks.position(blocks.position() + size);
        }
        return all.toByteArray();
    }

    private static byte[] all(InputStream in) throws IOException {
        try (in) {
            return in.readAllBytes();
        }
    }

    private static InputStream stream(ByteBuffer bytes) {
        int from = bytes.arrayOffset();
        return new ByteArrayInputStream(Arrays.copyOfRange(bytes.array(), from, from + bytes.limit()));
    }
}
