package org.jkvm.kvm;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jkvm.base.time.SystemClock;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.MemorySlot;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86Vcpu;
import org.jkvm.linux.SharedMemory;

/**
 * How fast this host's KVM runs guest code: a processor does, some kernels emulate.
 *
 * @param instructionsPerSecond of a loop of one instruction, or 0 where KVM could not run it
 * @param nanos                 how long it took to find out
 */
public record KvmSpeed(long instructionsPerSecond, long nanos) {
    /** Far above any emulator that goes by one instruction at a time, far below any processor. */
    private static final long HARDWARE = 40_000_000;
    private static final long NANOS = 1_000_000_000;
    /** First tries, which take an emulator a millisecond or so; they tell enough where it is slower than this. */
    private static final int FEW = 500;
    private static final long SLOW = 2_000_000;
    private static final int MANY = 10_000;
    private static final byte[] CODE = {(byte) 0xe2, (byte) 0xfe, (byte) 0xe6, 0x10}; // loop $; out 10h, al

    /** Runs a small loop in 32-bit protected mode. Takes a few milliseconds. */
    public static KvmSpeed measure(KvmHypervisor kvm) {
        long begin = System.nanoTime();
        try (SystemClock clock = new SystemClock(new ReentrantLock());
                SharedMemory page = SharedMemory.allocate("speed", MemorySlot.PAGE);
                VirtualMachine vm = kvm.createVirtualMachine(new VmConfig(1, clock))) {
            MemorySegment.copy(CODE, 0, page.segment(), ValueLayout.JAVA_BYTE, 0, CODE.length);
            vm.setMemorySlot(new MemorySlot(0, 0, page.segment(), false, false));
            X86Vcpu vcpu = vm.createVcpu(0, new CpuModel("speed", List.of()));
            long speed = Math.max(round(vcpu, FEW), round(vcpu, FEW));
            speed = speed < SLOW ? speed : round(vcpu, MANY);
            return new KvmSpeed(speed, System.nanoTime() - begin);
        }
    }

    /** Loops a second; 0 where the loop did not end well. */
    private static long round(X86Vcpu vcpu, int loops) {
        X86State state = vcpu.readState();
        state.cr0 = 0x11; // PE, ET
        for (int n = 0; n < 6; n++) {
            state.segments[n] = new X86State.Segment(8, 0, -1, n == 1 ? 0xc09b : 0xc093);
        }
        state.rip = 0;
        state.general[1] = loops;
        vcpu.writeState(state);
        long begin = System.nanoTime();
        VmExit exit = vcpu.run(ExitAnswer.NONE);
        return exit instanceof VmExit.PortWrite ? loops * NANOS / Math.max(1, System.nanoTime() - begin) : 0;
    }

    /** Whether a processor runs guest code. */
    public boolean inHardware() {
        return instructionsPerSecond >= HARDWARE;
    }

    /** On one line: what was measured, and what that means. */
    public String describe() {
        String speed = instructionsPerSecond == 0 ? "this host's KVM can't run a loop"
                : "this host's KVM runs %,d thousand instructions a second".formatted(instructionsPerSecond / 1000);
        return speed + (inHardware() ? "" : ": an emulation") + ", measured in " + nanos / 1_000_000 + " ms";
    }
}
