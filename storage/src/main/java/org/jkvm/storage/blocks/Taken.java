package org.jkvm.storage.blocks;

import java.io.IOException;

/**
 * Stretches of a file where a format's own structures lie. Only a damaged or hostile image has a block there: a guest would
 * read and write what says where its blocks are.
 *
 * @param format the format's name in messages
 * @param edges first byte and the one after the last of each stretch, by turns
 */
public record Taken(String format, long... edges) {
    /** Throws where a block of {@code length} bytes at {@code offset} lies on one of the stretches. */
    public void refuse(long offset, long length) throws IOException {
        for (int i = 0; i < edges.length; i += 2) {
            if (offset < edges[i + 1] && offset + length > edges[i]) {
                throw new IOException("corrupt " + format + " image: a block at 0x" + Long.toHexString(offset)
                        + ", where the image's own tables lie");
            }
        }
    }
}
