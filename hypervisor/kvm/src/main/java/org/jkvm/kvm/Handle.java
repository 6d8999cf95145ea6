package org.jkvm.kvm;

import java.lang.foreign.MemorySegment;
import org.jkvm.base.HostException;
import org.jkvm.linux.Descriptors;
import org.jkvm.linux.Errno;
import org.jkvm.linux.Ioctl;

/** A file descriptor of KVM's: the system's, a virtual machine's or a vCPU's. */
final class Handle implements AutoCloseable {
    private final int descriptor;
    private final String what;

    Handle(int descriptor, String what) {
        this.descriptor = descriptor;
        this.what = what;
    }

    int descriptor() {
        return descriptor;
    }

    /** Calls; the result is the kernel's, or the errno, negated. */
    int attempt(Request request, long argument) {
        return Ioctl.call(descriptor, request.code(), argument);
    }

    /** Calls with a structure; the result is the kernel's, or the errno, negated. */
    int attempt(Request request, MemorySegment data) {
        return Ioctl.call(descriptor, request.code(), data);
    }

    /**
     * Calls.
     *
     * @throws HostException where the kernel refuses
     */
    int call(Request request, long argument) {
        return check(request, attempt(request, argument));
    }

    /**
     * Calls with a structure.
     *
     * @throws HostException where the kernel refuses
     */
    int call(Request request, MemorySegment data) {
        return check(request, attempt(request, data));
    }

    private int check(Request request, int result) {
        if (result < 0) {
            throw new HostException(what + ": " + request + ": " + Errno.describe(-result), -result);
        }
        return result;
    }

    @Override
    public void close() {
        Descriptors.close(descriptor);
    }
}
