package org.jkvm.linux;

/**
 * What statx(2) says of an open file.
 *
 * @param kind what it is
 * @param size bytes in it; for a block device its capacity
 * @param allocated bytes of host storage that it takes
 * @param device the number of the file system it lies on
 * @param inode its number there; (device, inode) tells whether two paths are one file
 * @param directMemoryAlign alignment of memory that O_DIRECT wants, or 0 where the kernel does not say
 * @param directOffsetAlign alignment of offsets and lengths that O_DIRECT wants, or 0 where the kernel does not say
 */
public record FileStatus(Kind kind, long size, long allocated, long device, long inode, int directMemoryAlign,
        int directOffsetAlign) {
    /** What a path leads to, of the kinds that matter to a disk. */
    public enum Kind { REGULAR, BLOCK_DEVICE, DIRECTORY, OTHER }
}
