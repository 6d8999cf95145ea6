package org.jkvm.payloads;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import org.jkvm.base.time.SystemClock;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.Hypervisor;
import org.jkvm.hypervisor.MemorySlot;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86Vcpu;
import org.jkvm.linux.SharedMemory;

/** Several processors and 4 MiB of RAM at its own addresses. All begin in 64-bit code at 8000h, and end by a port write. */
final class SmpMachine implements AutoCloseable {
    private static final int RAM = 4 << 20;
    private static final int ENTRY = 0x8000;
    private static final int TABLES = 0x1000;
    private static final int STACKS = 0x7000;
    private static final int STACK = 0x400;
    private static final int EXIT_PORT = 0xf4;

    private final SystemClock clock = new SystemClock(new ReentrantLock());
    private final SharedMemory ram = SharedMemory.allocate("smp", RAM);
    private final VirtualMachine vm;
    private final List<X86Vcpu> vcpus = new ArrayList<>();

    SmpMachine(Hypervisor hypervisor, CpuModel model, int processors) {
        vm = hypervisor.createVirtualMachine(new VmConfig(processors, clock));
        vm.setMemorySlot(new MemorySlot(0, 0, ram.segment(), false, false));
        for (int n = 0; n < processors; n++) {
            vcpus.add(vm.createVcpu(n, model));
        }
        memory().set(ValueLayout.JAVA_LONG, TABLES, TABLES + 0x1003);          // PML4, PDPT, PD: two pages of 2 MiB
        memory().set(ValueLayout.JAVA_LONG, TABLES + 0x1000, TABLES + 0x2003);
        memory().set(ValueLayout.JAVA_LONG, TABLES + 0x2000, 0x83);
        memory().set(ValueLayout.JAVA_LONG, TABLES + 0x2008, 0x20_0083);
    }

    /** Guest RAM. */
    MemorySegment memory() {
        return ram.segment();
    }

    /**
     * Runs {@code code} on every processor until each has written the exit port.
     *
     * @param registers sets registers that the code expects, given a processor's number and its state
     */
    void run(byte[] code, long limitNanos, BiConsumer<Integer, X86State> registers) throws InterruptedException {
        MemorySegment.copy(code, 0, memory(), ValueLayout.JAVA_BYTE, ENTRY, code.length);
        for (X86Vcpu vcpu : vcpus) {
            X86State state = begin(vcpu);
            registers.accept(vcpu.index(), state);
            vcpu.writeState(state);
        }
        clock.timer("give up", () -> vcpus.forEach(X86Vcpu::kick)).arm(clock.nanos() + limitNanos);
        try (ExecutorService threads = Executors.newFixedThreadPool(vcpus.size())) {
            List<Future<VmExit>> exits = vcpus.stream().map(vcpu -> threads.submit(() -> vcpu.run(ExitAnswer.NONE))).toList();
            for (Future<VmExit> exit : exits) {
                checkEnd(exit.get());
            }
        } catch (ExecutionException e) {
            throw new AssertionError(e.getCause());
        }
    }

    /** What each processor's engine says of itself. */
    List<String> describeEngines() {
        return vcpus.stream().map(X86Vcpu::describeEngine).toList();
    }

    private static X86State begin(X86Vcpu vcpu) {
        X86State state = vcpu.readState();
        state.activity = X86State.Activity.RUNNING;
        state.segments[1] = new X86State.Segment(8, 0, -1, 0xa09b);
        for (int n : new int[] {0, 2, 3, 4, 5}) {
            state.segments[n] = new X86State.Segment(16, 0, -1, 0xc093);
        }
        state.cr0 = 0x8001_0011L;
        state.cr3 = TABLES;
        state.cr4 = 0x620;
        state.msrs.put(0xc000_0080, 0x501L);
        state.rip = ENTRY;
        state.general[4] = STACKS - (long) STACK * vcpu.index();
        return state;
    }

    private static void checkEnd(VmExit exit) {
        if (!(exit instanceof VmExit.PortWrite write && write.port() == EXIT_PORT)) {
            throw new AssertionError("ended by " + exit);
        }
    }

    @Override
    public void close() {
        vm.close();
        clock.close();
        ram.close();
    }
}
