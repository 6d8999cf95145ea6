package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jkvm.base.HostException;
import org.jkvm.base.MsiSink;
import org.jkvm.linux.Errno;

/** Messages to the kernel's local APICs, one call each. */
final class KvmMessages implements MsiSink {
    private final Handle vm;

    KvmMessages(Handle vm) {
        this.vm = vm;
    }

    /** A message that reaches no processor is lost, as on the bus; the kernel says EPERM then. */
    @Override
    public void signal(long address, int data) {
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
}
