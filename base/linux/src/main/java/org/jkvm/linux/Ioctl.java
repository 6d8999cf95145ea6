package org.jkvm.linux;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * ioctl(2), and the request codes that drivers number by direction, type, number and size (include/uapi/asm-generic/ioctl.h).
 * Any thread; whether one call may come while another is under way is the driver's matter.
 */
public final class Ioctl {
    private static final int NUMBER_BITS = 8;
    private static final int TYPE_BITS = 8;
    private static final int SIZE_BITS = 14;
    private static final int TYPE_SHIFT = NUMBER_BITS;
    private static final int SIZE_SHIFT = TYPE_SHIFT + TYPE_BITS;
    private static final int DIRECTION_SHIFT = SIZE_SHIFT + SIZE_BITS;
    private static final int WRITE = 1;
    private static final int READ = 2;

    private static final MethodHandle IOCTL = Native.link("ioctl");

    private Ioctl() {
    }

    /** _IO: a request without data. */
    public static long none(int type, int number) {
        return code(0, type, number, 0);
    }

    /** _IOR: a request that fills {@code size} bytes. */
    public static long read(int type, int number, int size) {
        return code(READ, type, number, size);
    }

    /** _IOW: a request that takes {@code size} bytes. */
    public static long write(int type, int number, int size) {
        return code(WRITE, type, number, size);
    }

    /** _IOWR: a request that takes {@code size} bytes and gives back as many. */
    public static long readWrite(int type, int number, int size) {
        return code(READ | WRITE, type, number, size);
    }

    private static long code(int direction, int type, int number, int size) {
        return (long) direction << DIRECTION_SHIFT | (long) size << SIZE_SHIFT | (long) type << TYPE_SHIFT | number;
    }

    /** Calls with a number as argument. Returns what the driver returned, or the errno, negated. */
    public static int call(int descriptor, long request, long argument) {
        int result = (int) Native.call(IOCTL, descriptor, MemorySegment.ofAddress(request), argument, 0, 0);
        return result < 0 ? -Native.errno() : result;
    }

    /**
     * Calls with the address of {@code data}, native memory of the size that the request tells.
     *
     * @return what the driver returned, or the errno, negated
     */
    public static int call(int descriptor, long request, MemorySegment data) {
        if (!data.isNative()) {
            throw new IllegalArgumentException("ioctl data on the heap");
        }
        return call(descriptor, request, data.address());
    }
}
