package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import org.jkvm.base.HostException;
import org.jkvm.base.MsiChannel;
import org.jkvm.base.MsiSink;
import org.jkvm.linux.Errno;

/** Messages to the kernel's local APICs, one call each or by channels. Any thread; once closed, nothing happens. */
final class KvmMessages implements MsiSink {
    private final Handle vm;
    private final KvmMsiChannels channels;
    /** Guarded by this. */
    private boolean closed;

    /** Those of {@code vm}, whose GSIs have {@code routes}. */
    KvmMessages(Handle vm, GsiRoutes routes) {
        this.vm = vm;
        this.channels = new KvmMsiChannels(vm, routes, this);
    }

    /** A message that reaches no processor is lost, as on the bus; the kernel says EPERM then. */
    @Override
    public synchronized void signal(long address, int data) {
        if (closed) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment msi = arena.allocate(ChipAbi.Msi.S.size(), 4);
            msi.set(JAVA_INT, ChipAbi.Msi.ADDRESS_LO, (int) address);
            msi.set(JAVA_INT, ChipAbi.Msi.ADDRESS_HI, (int) (address >>> 32));
            msi.set(JAVA_INT, ChipAbi.Msi.DATA, data);
            int result = vm.attempt(Request.KVM_SIGNAL_MSI, msi);
            if (result < 0 && result != -Errno.EPERM) {
                throw new HostException("KVM_SIGNAL_MSI: " + Errno.describe(-result), -result);
            }
        }
    }

    @Override
    public MsiChannel channel() {
        return channels.open();
    }

    /** See {@link KernelApics#redirect}. */
    void redirect(Map<Integer, MsiMessage> redirections) {
        channels.redirect(redirections);
    }

    /** Every message that was sent has been delivered when this returns. */
    void release() {
        channels.release();
    }

    void close() {
        channels.close();
        synchronized (this) {
            closed = true;
        }
    }
}
