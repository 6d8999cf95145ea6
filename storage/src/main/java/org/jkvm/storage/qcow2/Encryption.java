package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import org.jkvm.base.Bits;
import org.jkvm.storage.Secret;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.luks.LuksHeader;

/** Gives a new image a LUKS header (qcow2.txt, "Full disk encryption header pointer"). */
public final class Encryption {
    private Encryption() {
    }

    /** From now on the data clusters of the image in {@code file}, of which there are none yet, are encrypted. */
    public static void add(ImageFile file, Secret secret, int millis) throws IOException {
        Header header = HeaderReader.read(file);
        HeaderFields fields = new HeaderFields(file);
        Refcounts refcounts = new Refcounts(file, header, fields, new Places());
        long length = LuksHeader.newLength();
        long offset = refcounts.allocateMetadata(Bits.alignUp(length, header.clusterSize()) >>> header.clusterBits());
        refcounts.write();
        LuksHeader.create(file, offset, secret, millis);
        file.flush();
        byte[] place = ByteBuffer.allocate(2 * Long.BYTES).putLong(offset).putLong(length).array();
        MemorySegment start = fields.start(header.headerLength());
        Field.CRYPT_METHOD.put(start, Features.CRYPT_LUKS);
        // Counts may have moved: the header is as it is now.
        fields.writeCluster(HeaderCluster.with(HeaderReader.read(file), start, Features.EXTENSION_ENCRYPTION, place));
        file.flush();
    }
}
