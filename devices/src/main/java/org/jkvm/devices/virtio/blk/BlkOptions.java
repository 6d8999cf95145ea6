package org.jkvm.devices.virtio.blk;

import org.jkvm.base.Bits;
import org.jkvm.base.UserException;
import org.jkvm.devices.virtio.Virtqueue;

/**
 * What {@code -device virtio-blk-pci} can be told; QEMU's property names.
 *
 * @param serial            what the guest reads as the disk's serial number, at most 20 bytes
 * @param numQueues         queues, 1 to 64
 * @param queueSize         entries a queue, a power of two from 4 to 1024
 * @param logicalBlockSize  smallest unit of access in bytes, a power of two from 512 to 65536
 * @param physicalBlockSize unit that is written without reading, in bytes, a power of two, no less than the logical one
 * @param writeCache        whether writes are durable only after a flush; the guest may change it
 * @param configWce         whether the guest may change it
 * @param discard           offer to give up ranges
 * @param writeZeroes       offer to zero ranges
 * @param requestMerging    whether small neighbours become one request to the disk
 * @param rerror            what a failed read does
 * @param werror            what a failed write, flush, discard or zeroing does
 */
public record BlkOptions(String serial, int numQueues, int queueSize, int logicalBlockSize, int physicalBlockSize,
                         boolean writeCache, boolean configWce, boolean discard, boolean writeZeroes,
                         boolean requestMerging, ErrorPolicy rerror, ErrorPolicy werror) {
    /** QEMU's defaults. */
    public static final BlkOptions DEFAULTS = new BlkOptions("", 1, 256, 512, 512, true, true, true, true,
            true, ErrorPolicy.REPORT, ErrorPolicy.ENOSPC);
    private static final int MAX_QUEUES = 64;
    private static final int MAX_BLOCK = 65536;
    private static final int SERIAL_BYTES = 20;

    /**
     * Checks the ranges.
     *
     * @throws UserException naming the property and what is allowed
     */
    public BlkOptions {
        check(serial.length() <= SERIAL_BYTES, "serial", "at most 20 characters");
        check(numQueues >= 1 && numQueues <= MAX_QUEUES, "num-queues", "1 to 64");
        check(queueSize >= 4 && queueSize <= Virtqueue.MAX_SIZE && Bits.isPowerOfTwo(queueSize), "queue-size",
                "a power of two from 4 to 1024");
        check(logicalBlockSize >= 512 && logicalBlockSize <= MAX_BLOCK && Bits.isPowerOfTwo(logicalBlockSize),
                "logical_block_size", "a power of two from 512 to 65536");
        check(physicalBlockSize >= logicalBlockSize && Bits.isPowerOfTwo(physicalBlockSize), "physical_block_size",
                "a power of two, no less than logical_block_size");
    }

    /** The same with {@code serial} as given. */
    public BlkOptions withSerial(String value) {
        return new BlkOptions(value, numQueues, queueSize, logicalBlockSize, physicalBlockSize, writeCache, configWce,
                discard, writeZeroes, requestMerging, rerror, werror);
    }

    /** The same with {@code num-queues} and {@code queue-size} as given. */
    public BlkOptions withQueues(int number, int size) {
        return new BlkOptions(serial, number, size, logicalBlockSize, physicalBlockSize, writeCache, configWce,
                discard, writeZeroes, requestMerging, rerror, werror);
    }

    /** The same with {@code request-merging} as given. */
    public BlkOptions withRequestMerging(boolean merge) {
        return new BlkOptions(serial, numQueues, queueSize, logicalBlockSize, physicalBlockSize, writeCache, configWce,
                discard, writeZeroes, merge, rerror, werror);
    }

    /** The same with {@code rerror} and {@code werror} as given. */
    public BlkOptions withErrorPolicies(ErrorPolicy onRead, ErrorPolicy onWrite) {
        return new BlkOptions(serial, numQueues, queueSize, logicalBlockSize, physicalBlockSize, writeCache, configWce,
                discard, writeZeroes, requestMerging, onRead, onWrite);
    }

    private static void check(boolean valid, String property, String allowed) {
        if (!valid) {
            throw new UserException("virtio-blk-pci: property '" + property + "' must be " + allowed);
        }
    }
}
