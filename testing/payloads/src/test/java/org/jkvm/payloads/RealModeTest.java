package org.jkvm.payloads;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jkvm.base.time.SystemClock;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.MemorySlot;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86Vcpu;
import org.jkvm.linux.SharedMemory;
import org.junit.jupiter.api.AfterEach;

/** A machine of one processor, 1 MiB of RAM and a few bytes of real-mode code at 1000h, which reports by writing ports. */
abstract class RealModeTest<M extends VirtualMachine> {
    static final int RAM = 1 << 20;
    static final int CODE = 0x1000;
    /** The local APIC's page, and in it the spurious-interrupt vector register (SDM vol. 3A, table 10-1). */
    static final long APIC = 0xfee0_0000L;
    private static final int SVR = 0xf0;
    private static final int STACK = 0x800;

    final SystemClock clock = new SystemClock(new ReentrantLock());
    final SharedMemory ram = SharedMemory.allocate("real-mode", RAM);
    M vm;
    X86Vcpu vcpu;

    /** A machine over this RAM, whose writes are logged. */
    M machine(Function<VmConfig, M> hypervisor, int mostVcpus) {
        M made = hypervisor.apply(new VmConfig(mostVcpus, clock));
        made.setMemorySlot(new MemorySlot(0, 0, ram.segment(), false, true));
        return made;
    }

    @AfterEach
    void closeMachine() {
        if (vm != null) {
            vm.close();
        }
        clock.close();
        ram.close();
    }

    /** Puts bytes, in hexadecimal, into RAM. */
    void put(int address, String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
        MemorySegment.copy(bytes, 0, ram.segment(), ValueLayout.JAVA_BYTE, address, bytes.length);
    }

    /** The interrupt vector table leads there. */
    void handler(int vector, int address, String hex) {
        put(address, hex);
        ram.segment().set(ValueLayout.JAVA_INT, 4L * vector, address);
    }

    /** Puts code at 1000h and has the processor begin there. */
    void code(String hex) {
        code(hex, state -> { });
    }

    /** The same, with {@code more} to be set. */
    void code(String hex, Consumer<X86State> more) {
        put(CODE, hex);
        X86State state = vcpu.readState();
        state.segments[1] = new X86State.Segment(0, 0, 0xffff, 0x9b);
        state.rip = CODE;
        state.general[0] = 0;
        state.general[4] = STACK;
        more.accept(state);
        vcpu.writeState(state);
    }

    /** A data segment that can be written. */
    static X86State.Segment segment(long base) {
        return new X86State.Segment(0, base, 0xffff, 0x93);
    }

    /** Turns the local APIC on. */
    static void enableApic(X86State state) {
        state.lapic[SVR] = (byte) 0xff;
        state.lapic[SVR + 1] = 1;
    }

    VmExit run() {
        return vcpu.run(ExitAnswer.NONE);
    }

    /** Runs to the next write of a port. */
    VmExit.PortWrite write() {
        return (VmExit.PortWrite) run();
    }

    /** Runs to the next write of a port, and says which. */
    int port() {
        return write().port();
    }

    /** The processor leaves guest mode without anything to be answered. */
    void settle() {
        vcpu.kick();
        assertThat(run()).isEqualTo(new VmExit.Interrupted());
    }

    /** Nothing is to be seen of the guest for a while. */
    void assertQuiet() {
        clock.timer("quiet", vcpu::kick).arm(clock.nanos() + 30_000_000);
        assertThat(run()).isEqualTo(new VmExit.Interrupted());
    }

    /** How many descriptors this process has. */
    static long descriptors() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.count();
        }
    }

    /** This process's descriptors of a kind. */
    static List<Integer> open(String kind) throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.filter(fd -> isKind(fd, kind)).map(fd -> Integer.parseInt(fd.getFileName().toString())).toList();
        }
    }

    private static boolean isKind(Path fd, String kind) {
        try {
            return Files.readSymbolicLink(fd).toString().contains(kind);
        } catch (IOException closed) {
            return false;
        }
    }
}
