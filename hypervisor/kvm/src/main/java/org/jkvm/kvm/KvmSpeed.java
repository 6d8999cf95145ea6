package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.LockSupport;
import org.jkvm.hypervisor.MemorySlot;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.linux.Descriptors;
import org.jkvm.linux.SharedMemory;
import org.jkvm.linux.ThreadSignals;

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
    private static final long ROUND_NANOS = 1_500_000;
    private static final int MOST_ROUNDS = 3;
    /** The longest loop: a processor takes a second for it. */
    private static final long LOOPS = 1L << 30;
    private static final byte[] CODE = {(byte) 0xe2, (byte) 0xfe}; // loop $
    private static final int CODE_32 = 0xc09b;
    private static final int DATA_32 = 0xc093;
    /** PE, ET. */
    private static final int CR0 = 0x11;

    /**
     * Runs a loop of one instruction in 32-bit protected mode for some milliseconds: in a machine without an interrupt chip, as
     * making and freeing one takes longer than all of the rest.
     */
    public static KvmSpeed measure(KvmHypervisor kvm) {
        int thread = ThreadSignals.currentThread();
        try (Arena arena = Arena.ofConfined(); SharedMemory page = SharedMemory.allocate("speed", MemorySlot.PAGE);
                KvmSystem system = KvmSystem.open()) {
            MemorySegment.copy(CODE, 0, page.segment(), JAVA_BYTE, 0, CODE.length);
            // What came before is a JVM that begins to make system calls, as every machine has it do.
            long begin = System.nanoTime();
            long speed = measure(system, page.segment(), thread, arena);
            return new KvmSpeed(speed, System.nanoTime() - begin);
        }
    }

    private static long measure(KvmSystem system, MemorySegment page, int thread, Arena arena) {
        try (Handle vm = system.createVm()) {
            new KvmMemory(vm).set(new MemorySlot(0, 0, page, false, false));
            try (Handle vcpu = new Handle(vm.call(Request.KVM_CREATE_VCPU, 0), "KVM vCPU")) {
                MemorySegment run = Descriptors.map(vcpu.descriptor(), system.vcpuMemory());
                try {
                    start(vcpu, arena);
                    return fastest(vcpu, run, thread, arena);
                } finally {
                    SharedMemory.unmap(run);
                }
            }
        }
    }

    private static void start(Handle vcpu, Arena arena) {
        SignalMask.clear(vcpu);
        MemorySegment sregs = arena.allocate(Abi.Sregs.S.size(), 8);
        vcpu.call(Request.KVM_GET_SREGS, sregs);
        for (int n = 0; n < 6; n++) {
            StateTransfer.writeSegment(sregs, Abi.Sregs.SEGMENTS[n], new X86State.Segment(8, 0, -1, n == 1 ? CODE_32 : DATA_32));
        }
        sregs.set(JAVA_LONG, Abi.Sregs.CR0, CR0);
        vcpu.call(Request.KVM_SET_SREGS, sregs);
    }

    /** In the first round the kernel maps the page; in any, a busy host may let this thread wait until its time is over. */
    private static long fastest(Handle vcpu, MemorySegment run, int thread, Arena arena) {
        long fastest = 0;
        for (int n = 0; n < MOST_ROUNDS && fastest < HARDWARE; n++) {
            fastest = Math.max(fastest, round(vcpu, run, thread, arena));
        }
        return fastest;
    }

    /** Loops a second; 0 where the loop did not run. */
    private static long round(Handle vcpu, MemorySegment run, int thread, Arena arena) {
        MemorySegment regs = arena.allocate(Abi.Regs.S.size(), 8);
        regs.set(JAVA_LONG, Abi.Regs.RFLAGS, 2);
        regs.set(JAVA_LONG, Abi.Regs.GENERAL[1], LOOPS);
        vcpu.call(Request.KVM_SET_REGS, regs);
        Thread alarm = alarm(run, thread);
        long begin = System.nanoTime();
        vcpu.attempt(Request.KVM_RUN, 0);
        long took = System.nanoTime() - begin;
        end(alarm);
        run.set(JAVA_BYTE, Abi.Run.IMMEDIATE_EXIT, (byte) 0);
        vcpu.call(Request.KVM_GET_REGS, regs);
        return (long) ((LOOPS - regs.get(JAVA_LONG, Abi.Regs.GENERAL[1])) * (double) NANOS / Math.max(1, took));
    }

    /** Has the kernel come back in time. */
    private static Thread alarm(MemorySegment run, int thread) {
        return Thread.ofPlatform().daemon().name("alarm").start(() -> {
            LockSupport.parkNanos(ROUND_NANOS);
            run.set(JAVA_BYTE, Abi.Run.IMMEDIATE_EXIT, (byte) 1);
            ThreadSignals.interrupt(thread);
        });
    }

    /** It writes memory that is unmapped afterwards: whatever interrupts this thread has to wait. */
    private static void end(Thread alarm) {
        LockSupport.unpark(alarm);
        boolean interrupted = false;
        while (alarm.isAlive()) {
            try {
                alarm.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
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
