package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.Function;
import org.jkvm.storage.OpenOptions;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.luks.CryptFile;
import org.jkvm.storage.luks.LuksHeader;

/** Where an image's data clusters are. */
final class DataFiles {
    private DataFiles() {
    }

    /** The image's file itself, the same through a cipher, or its external data file, which {@code parts} opens by name. */
    static ImageFile open(ImageFile file, Header header, OpenOptions options, Function<String, ImageFile> parts)
            throws IOException {
        if (header.hasDataFile()) {
            return parts.apply(header.dataFileName());
        }
        return header.encrypted() ? encrypted(file, header, options) : file;
    }

    /** Sectors have their numbers from the file's start (qcow2.txt, "Data encryption"). */
    private static ImageFile encrypted(ImageFile file, Header header, OpenOptions options) throws IOException {
        ByteBuffer place = ByteBuffer.wrap(header.encryption());
        long offset = place.getLong(0);
        long length = place.getLong(Long.BYTES);
        if (offset <= 0 || (offset & header.clusterSize() - 1) != 0 || length <= 0 || offset > file.size() - length) {
            throw new IOException("corrupt qcow2 header: the encryption header lies outside the file");
        }
        if (options.secret() == null && !options.readOnly()) {
            throw new IOException("the image is encrypted, and no passphrase was given");
        }
        return CryptFile.open(file, LuksHeader.read(file, offset, length), offset, 0, options.secret());
    }
}
