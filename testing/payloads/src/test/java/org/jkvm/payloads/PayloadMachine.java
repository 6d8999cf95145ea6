package org.jkvm.payloads;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.locks.ReentrantLock;
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

/** The least machine that a payload needs: 16 MiB of RAM, one processor in real mode, two ports, one MMIO page. */
final class PayloadMachine implements AutoCloseable {
    private static final int RAM = 16 << 20;
    private static final int ENTRY = 0x8000;
    private static final int DEBUG_PORT = 0xe9;
    private static final int EXIT_PORT = 0xf4;
    private static final int MOST_EXITS = 100_000;
    private static final long KICK_NANOS = 20_000_000_000L;

    private final SystemClock clock = new SystemClock(new ReentrantLock());
    private final SharedMemory ram = SharedMemory.allocate("payload", RAM);
    private final VirtualMachine vm;
    private final X86Vcpu vcpu;
    private final StringBuilder output = new StringBuilder();
    private long mmio = 0x1122_3344_5566_7788L;

    PayloadMachine(Hypervisor hypervisor, CpuModel model) {
        vm = hypervisor.createVirtualMachine(new VmConfig(1, clock));
        vm.setMemorySlot(new MemorySlot(0, 0, ram.segment(), false, false));
        vcpu = vm.createVcpu(0, model);
    }

    /** Runs {@code code} until it ends; returns what it printed, and how it ended if not by the exit port. */
    String run(byte[] code) {
        MemorySegment.copy(code, 0, ram.segment(), ValueLayout.JAVA_BYTE, ENTRY, code.length);
        X86State state = vcpu.readState();
        state.segments[1] = new X86State.Segment(0, 0, 0xffff, 0x9b);
        state.rip = ENTRY;
        vcpu.writeState(state);
        clock.timer("give up", vcpu::kick).arm(clock.nanos() + KICK_NANOS);
        ExitAnswer answer = ExitAnswer.NONE;
        for (int exits = 0; exits < MOST_EXITS; exits++) {
            VmExit exit = vcpu.run(answer);
            if (exit instanceof VmExit.PortWrite(int port, int size, int count, byte[] data) && port == EXIT_PORT) {
                return output.toString();
            }
            answer = answer(exit);
            if (answer == null) {
                return output + "ended by " + exit + " at " + Long.toHexString(vcpu.readState().rip) + "\n";
            }
        }
        return output + "too many exits\n";
    }

    /** What the processor's engine says of itself. */
    String describeEngine() {
        return vcpu.describeEngine();
    }

    private ExitAnswer answer(VmExit exit) {
        return switch (exit) {
            case VmExit.PortWrite w -> {
                if (w.port() == DEBUG_PORT) {
                    output.append((char) (w.value() & 0xff));
                }
                yield ExitAnswer.NONE;
            }
            case VmExit.PortRead r -> new ExitAnswer.Value(0x12345678L & (1L << 8 * r.size()) - 1);
            case VmExit.MmioRead r -> new ExitAnswer.Value(mmio >>> 8 * (r.address() & 7));
            case VmExit.MmioWrite w -> {
                mmio = w.value();
                output.append("mmio ").append(Long.toHexString(w.address())).append('=').append(Long.toHexString(w.value()))
                        .append('\n');
                yield ExitAnswer.NONE;
            }
            case VmExit.Halted h -> null;
            case VmExit.Shutdown s -> null;
            case VmExit.Interrupted i -> null;
            case VmExit.Debug d -> null;
            case VmExit.FailedEntry f -> null;
            case VmExit.NotEmulated n -> null;
            case VmExit.InternalError e -> null;
        };
    }

    @Override
    public void close() {
        vm.close();
        clock.close();
        ram.close();
    }
}
