package org.jkvm.storage.nbd;

/**
 * What a server says about an export.
 *
 * @param size       bytes
 * @param flags      transmission flags
 * @param minBlock   the unit of offsets and lengths in bytes, a power of two
 * @param maxPayload the most data in one request
 * @param structured whether replies to reads are structured
 * @param contextId  the number of base:allocation, or -1 where the server has no such thing
 */
record ExportInfo(long size, int flags, int minBlock, int maxPayload, boolean structured, int contextId) {
    boolean has(int flag) {
        return (flags & flag) != 0;
    }
}
