package org.jkvm.soft;

import java.util.function.LongSupplier;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.soft.chip.SoftInterruptChip;
import org.jkvm.soft.chip.VcpuInterrupts;
import org.jkvm.x64.HostTsc;
import org.jkvm.x86.Msrs;

/**
 * The pins of a vCPU that helps another backend out, which owns the interrupt chip and the clock: whatever concerns them
 * ends the run, with RIP back at the instruction, for the owner to execute.
 */
final class LodgerBus extends SoftBus {
    private static final long APIC_ENABLED = 1 << 11;
    private static final long APIC_PAGE = 0xff_ffff_f000L;
    private static final int PAGE_OFFSET = 0xfff;
    /** The interrupt command register (SDM vol. 3A, section 11.6.1). */
    private static final int ICR_LOW = 0x300;
    private static final int X2APIC_ICR = 0x830;
    private static final byte[] NO_CODE = {};

    private final AccessLog log;
    private long apicBase;
    private int taskPriority;
    private final LongSupplier hostTsc;
    private long tscOffset;
    private boolean sendsInterrupt;

    LodgerBus(SoftVm vm, SoftVcpu vcpu, AccessLog log, VcpuInterrupts apic) {
        super(vm, vcpu, log, apic);
        this.log = log;
        this.hostTsc = vm.hostTsc();
    }

    /** Nothing of it is here. */
    @Override
    void saveChipState(X86State s) {
        s.msrs.put(VcpuInterrupts.IA32_APIC_BASE, apicBase);
        s.lapic = null;
    }

    @Override
    void restoreChipState(X86State s) {
        apicBase = s.msrs.getOrDefault(VcpuInterrupts.IA32_APIC_BASE, 0L);
        taskPriority = (int) s.cr8;
    }

    private boolean isChip(long address) {
        boolean localApic = (apicBase & APIC_ENABLED) != 0 && address >>> 12 == (apicBase & APIC_PAGE) >>> 12;
        return localApic || SoftInterruptChip.ownsAddress(address);
    }

    /** Ends the run. */
    private void leave() {
        leave(false);
    }

    private void leave(boolean toInterruptOthers) {
        sendsInterrupt = toInterruptOthers;
        log.leave(new VmExit.NotEmulated(NO_CODE));
    }

    @Override
    boolean sendsInterrupt() {
        return sendsInterrupt;
    }

    @Override
    public long mmioRead(long address, int size) {
        if (isChip(address)) {
            leave();
        }
        return super.mmioRead(address, size);
    }

    @Override
    public void mmioWrite(long address, int size, long value) {
        if (isChip(address)) {
            leave((address & PAGE_OFFSET) == ICR_LOW);
        }
        super.mmioWrite(address, size, value);
    }

    @Override
    public int portRead(int port, int size) {
        if (SoftInterruptChip.ownsPort(port)) {
            leave();
        }
        return super.portRead(port, size);
    }

    @Override
    public void portWrite(int port, int size, int value) {
        if (SoftInterruptChip.ownsPort(port)) {
            leave();
        }
        super.portWrite(port, size, value);
    }

    @Override
    public int taskPriority() {
        return taskPriority;
    }

    @Override
    public void setTaskPriority(int priority) {
        leave();
    }

    @Override
    public MsrResult readMsr(int number) {
        leave();
        return MsrResult.ABSENT;
    }

    @Override
    public boolean writeMsr(int number, long value) {
        leave(number == X2APIC_ICR);
        return false;
    }

    @Override
    long tscOffset() {
        return tscOffset;
    }

    @Override
    void tscOffset(long offset) {
        tscOffset = offset;
    }

    @Override
    void tellTime(Msrs msrs) {
        if (hostTsc instanceof HostTsc) {
            msrs.timeFromCounter(tscOffset);
        } else {
            msrs.timeFromBus();
        }
    }

    @Override
    public long timeStampCounter() {
        return hostTsc.getAsLong() + tscOffset;
    }

    @Override
    public void setTimeStampCounter(long value) {
        leave();
    }

    @Override
    public void setFerr(boolean asserted) {
        leave();
    }
}
