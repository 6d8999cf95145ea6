package org.jkvm.soft;

import java.util.OptionalLong;
import org.jkvm.base.time.Clock;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.soft.chip.GuestTsc;
import org.jkvm.soft.chip.SoftInterruptChip;
import org.jkvm.soft.chip.VcpuInterrupts;
import org.jkvm.x86.Msrs;
import org.jkvm.x86.X86Bus;
import org.jkvm.x86.state.Request;

/** One vCPU's pins: kernel mode answers for the interrupt chip, everything else leaves to user mode. */
class SoftBus implements X86Bus {
    private final SoftVm vm;
    private final SoftVcpu vcpu;
    private final SlotMap slots;
    private final AccessLog log;
    private final VcpuInterrupts apic;
    private final KvmClock kvmClock;
    /** The vector of an interrupt that another backend had acknowledged already, or -1. */
    private int injected = -1;

    SoftBus(SoftVm vm, SoftVcpu vcpu, AccessLog log, VcpuInterrupts apic) {
        this.vm = vm;
        this.vcpu = vcpu;
        this.slots = vm.slots();
        this.log = log;
        this.apic = apic;
        this.kvmClock = new KvmClock(vm.config().clock(), apic.tsc(), vm.slots());
    }

    KvmClock kvmClock() {
        return kvmClock;
    }

    // ---- memory ----

    @Override
    public long hostPage(long page) {
        SlotMap.Slot slot = slots.find(page);
        return slot == null ? 0 : slot.host() + (page - slot.slot().address());
    }

    @Override
    public boolean writablePage(long page) {
        SlotMap.Slot slot = slots.find(page);
        if (slot == null || slot.slot().readOnly()) {
            return false;
        }
        slot.mark(page);
        vcpu.writes(page);
        return true;
    }

    @Override
    public void decoding(long page) {
        vm.codePages().decoding(page, vcpu);
    }

    @Override
    public void forgetting(long page) {
        vm.codePages().forgetting(page, vcpu);
    }

    @Override
    public boolean holdsCode(long page) {
        return vm.codePages().holds(page);
    }

    @Override
    public void codeWritten(long address, int size) {
        vm.codePages().written(address, size, vcpu);
    }

    /** Whether {@code address} is on the local APIC's page. */
    private boolean ownsApic(long address) {
        return address - apic.page() >>> 12 == 0;
    }

    @Override
    public long mmioRead(long address, int size) {
        if (ownsApic(address)) {
            return apic.read((int) address & 0xfff, size);
        }
        if (SoftInterruptChip.ownsAddress(address)) {
            return vm.chip().readMmio(address, size);
        }
        return log.replays() ? log.replay() : log.leave(new VmExit.MmioRead(address, size));
    }

    @Override
    public void mmioWrite(long address, int size, long value) {
        if (ownsApic(address)) {
            apic.write((int) address & 0xfff, size, value);
        } else if (SoftInterruptChip.ownsAddress(address)) {
            vm.chip().writeMmio(address, size, value);
        } else if (log.replays()) {
            log.replay();
        } else {
            log.leave(new VmExit.MmioWrite(address, size, size == 8 ? value : value & (1L << 8 * size) - 1));
        }
    }

    // ---- ports ----

    @Override
    public int portRead(int port, int size) {
        if (SoftInterruptChip.ownsPort(port)) {
            return (int) vm.chip().readPort(port, size);
        }
        return (int) (log.replays() ? log.replay() : log.leave(new VmExit.PortRead(port, size, 1)));
    }

    @Override
    public void portWrite(int port, int size, int value) {
        if (SoftInterruptChip.ownsPort(port)) {
            vm.chip().writePort(port, size, value & 0xffff_ffffL);
        } else if (log.replays()) {
            log.replay();
        } else {
            log.leave(new VmExit.PortWrite(port, size, 1, bytes(value, size)));
        }
    }

    private static byte[] bytes(int value, int size) {
        byte[] data = new byte[size];
        for (int n = 0; n < size; n++) {
            data[n] = (byte) (value >>> 8 * n);
        }
        return data;
    }

    @Override
    public void retired() {
        if (!log.isEmpty()) {
            log.retire();
        }
    }

    // ---- interrupts, MSRs, time ----

    /** Adds what belongs to the interrupt chip and the clock. */
    void saveChipState(X86State s) {
        s.msrs.put(VcpuInterrupts.IA32_APIC_BASE, apic.readMsr(VcpuInterrupts.IA32_APIC_BASE).orElse(0));
        s.msrs.put(VcpuInterrupts.IA32_TSC_DEADLINE, apic.readMsr(VcpuInterrupts.IA32_TSC_DEADLINE).orElse(0));
        s.lapic = apic.exportPage();
        kvmClock.save(s.msrs);
    }

    /** Takes it back; the time-stamp counter has been set. */
    void restoreChipState(X86State s) {
        apic.restore(s.msrs.getOrDefault(VcpuInterrupts.IA32_APIC_BASE, 0xfee0_0900L), s.lapic,
                s.msrs.getOrDefault(VcpuInterrupts.IA32_TSC_DEADLINE, 0L));
        kvmClock.restore(s.msrs);
    }

    /** Delivers {@code vector} before any other interrupt; -1 is none. On the vCPU's thread, or while it is not running. */
    void inject(int vector) {
        injected = vector;
        if (vector >= 0) {
            vcpu.request(Request.INTR);
        } else if (!apic.interruptPending()) {
            vcpu.withdraw(Request.INTR);
        }
    }

    int injected() {
        return injected;
    }

    @Override
    public int acknowledgeInterrupt() {
        if (injected < 0) {
            return apic.acknowledgeInterrupt();
        }
        int vector = injected;
        injected = -1;
        if (!apic.interruptPending()) {
            vcpu.withdraw(Request.INTR);
        }
        return vector;
    }

    @Override
    public int taskPriority() {
        return apic.tpr() >>> 4;
    }

    @Override
    public void setTaskPriority(int priority) {
        apic.setTpr(priority << 4);
    }

    @Override
    public MsrResult readMsr(int number) {
        if (VcpuInterrupts.ownsMsr(number)) {
            OptionalLong value = apic.readMsr(number);
            return value.isPresent() ? new MsrResult(true, value.getAsLong()) : MsrResult.ABSENT;
        }
        return KvmClock.owns(number) ? kvmClock.read(number) : MsrResult.ABSENT;
    }

    @Override
    public boolean writeMsr(int number, long value) {
        if (VcpuInterrupts.ownsMsr(number)) {
            long page = apic.page();
            boolean done = apic.writeMsr(number, value);
            if (apic.page() != page) {
                vcpu.request(Request.FLUSH_TLB);
            }
            return done;
        }
        if (!KvmClock.owns(number)) {
            return false;
        }
        kvmClock.write(number, value);
        return true;
    }

    /** What the time-stamp counter shows at zero of what it counts. */
    long tscOffset() {
        return apic.tsc().offset();
    }

    void tscOffset(long offset) {
        apic.writeTscOffset(offset);
        kvmClock.update();
    }

    /** Whether the access that left last, to a chip that is elsewhere, interrupts other processors. */
    boolean sendsInterrupt() {
        return false;
    }

    @Override
    public long timeStampCounter() {
        return apic.tsc().read();
    }

    @Override
    public void setTimeStampCounter(long value) {
        apic.writeTsc(value);
        kvmClock.update();
        vcpu.timeChanged();
    }

    /** Tells {@code msrs} what the time-stamp counter can be made from until the vCPU leaves, or its counter is written. */
    void tellTime(Msrs msrs) {
        GuestTsc tsc = apic.tsc();
        long zero = tsc.zeroInNanoTime();
        if (zero == Clock.UNKNOWN) {
            msrs.timeFromBus();
        } else {
            msrs.timeFromClock(zero, tsc.hertz(), tsc.offset());
        }
    }

    @Override
    public void setFerr(boolean asserted) {
        vm.chip().setLine(13, asserted);
    }
}
