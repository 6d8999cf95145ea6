package org.jkvm.payloads;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.concurrent.locks.ReentrantLock;
import org.jkvm.base.time.SystemClock;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.MemorySlot;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86Vcpu;
import org.jkvm.linux.SharedMemory;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random bytes as guest code, in every mode, with random registers and descriptor tables: whatever a guest does, a run ends
 * with an exit, and memory beside the guest's is untouched. {@code -Djkvm.random.seed=N} repeats a run,
 * {@code -Djkvm.random.rounds=N} makes it longer.
 */
@ParameterizedClass
@EnumSource(names = {"INTERPRETER", "TRANSLATOR"})
class RandomCodeTest {
    private static final long SEED = Long.getLong("jkvm.random.seed", System.nanoTime());
    private static final int ROUNDS = Integer.getInteger("jkvm.random.rounds", 60);
    private static final int EXITS = 400;
    private static final int RAM = 2 << 20;
    private static final int GUARD = 1 << 16;
    private static final int CODE = 0x8000;
    private static final int TABLES = 0x1000;
    private static final int HANDLERS = 0x4000;
    private static final long ROUND_NANOS = 20_000_000;

    /** The modes, with what makes them: CR0, CR4, EFER, the code segment's access word. */
    enum Mode {
        REAL(0x10, 0, 0, 0x9b),
        PROTECTED_16(0x11, 0x600, 0, 0x9b),
        PROTECTED_32(0x11, 0x600, 0, 0xc09b),
        PAGED_32(0x8001_0011L, 0x610, 0, 0xc09b),
        COMPATIBILITY(0x8001_0011L, 0x620, 0x501, 0xc09b),
        LONG(0x8001_0011L, 0x620, 0x501, 0xa09b),
        USER(0x8001_0011L, 0x620, 0x501, 0xa0fb);

        private final long cr0;
        private final long cr4;
        private final long efer;
        private final int code;

        Mode(long cr0, long cr4, long efer, int code) {
            this.cr0 = cr0;
            this.cr4 = cr4;
            this.efer = efer;
            this.code = code;
        }
    }

    private final TestBackend backend;

    RandomCodeTest(TestBackend backend) {
        this.backend = backend;
    }

    @ParameterizedTest
    @EnumSource
    void everyRunEndsWithAnExit(Mode mode) {
        backend.assumePresent();
        System.out.printf("random code, %s, %s: -Djkvm.random.seed=%d%n", backend, mode, SEED);
        Random random = new Random(SEED + mode.ordinal());
        SystemClock clock = new SystemClock(new ReentrantLock());
        try (SharedMemory host = SharedMemory.allocate("random", RAM + 2 * GUARD);
                VirtualMachine vm = backend.hypervisor().createVirtualMachine(new VmConfig(1, clock))) {
            MemorySegment ram = host.segment().asSlice(GUARD, RAM);
            vm.setMemorySlot(new MemorySlot(0, 0, ram, false, true));
            X86Vcpu vcpu = vm.createVcpu(0, backend.models().parse("max", 1, 1));
            for (int round = 0; round < ROUNDS; round++) {
                vcpu.reset();
                fill(random, ram);
                vcpu.writeState(state(mode, random, vcpu.readState()));
                clock.timer("next", vcpu::kick).arm(clock.nanos() + ROUND_NANOS);
                runOnce(vcpu, random);
            }
            assertThat(host.segment().asSlice(0, GUARD).mismatch(MemorySegment.ofArray(new byte[GUARD]))).isEqualTo(-1);
            assertThat(host.segment().asSlice(GUARD + RAM, GUARD).mismatch(MemorySegment.ofArray(new byte[GUARD])))
                    .isEqualTo(-1);
        } finally {
            clock.close();
        }
    }

    private static void runOnce(X86Vcpu vcpu, Random random) {
        ExitAnswer answer = ExitAnswer.NONE;
        for (int exits = 0; exits < EXITS; exits++) {
            VmExit exit = vcpu.run(answer);
            if (exit instanceof VmExit.Interrupted || exit instanceof VmExit.Shutdown) {
                return;
            }
            boolean reads = exit instanceof VmExit.PortRead || exit instanceof VmExit.MmioRead;
            answer = reads ? new ExitAnswer.Value(random.nextLong()) : ExitAnswer.NONE;
        }
    }

    /** Random bytes everywhere, but tables that map memory onto itself and an IDT whose handlers are random code too. */
    private static void fill(Random random, MemorySegment ram) {
        byte[] bytes = new byte[RAM];
        random.nextBytes(bytes);
        MemorySegment.copy(bytes, 0, ram, ValueLayout.JAVA_BYTE, 0, RAM);
        ram.asSlice(TABLES, 0x3000).fill((byte) 0);
        ram.set(ValueLayout.JAVA_LONG, TABLES, TABLES + 0x1007); // PML4, and the 32-bit page directory
        ram.set(ValueLayout.JAVA_LONG, TABLES + 0x1000, TABLES + 0x2007);
        ram.set(ValueLayout.JAVA_LONG, TABLES + 0x2000, 0x87);
        for (int vector = 0; vector < 256; vector++) {
            long offset = CODE + random.nextInt(0x4000);
            ram.set(ValueLayout.JAVA_LONG, HANDLERS + 8 * vector, offset | 8L << 16 | 0xee00L << 32);
        }
    }

    private static X86State state(Mode mode, Random random, X86State state) {
        for (int n = 0; n < 16; n++) {
            state.general[n] = random.nextInt(4) == 0 ? random.nextLong() : random.nextInt(RAM);
        }
        int dpl = mode.code & 0x60;
        for (int n = 0; n < 6; n++) {
            state.segments[n] = new X86State.Segment(0x10 | dpl >> 5, 0, -1, 0xc093 | dpl);
        }
        state.segments[1] = new X86State.Segment(8 | dpl >> 5, 0, mode == Mode.REAL ? 0xffff : -1, mode.code);
        state.rip = CODE + random.nextInt(0x4000);
        state.cr0 = mode.cr0;
        state.cr3 = mode == Mode.PAGED_32 ? TABLES + 0x2000 : TABLES;
        state.cr4 = mode.cr4;
        state.msrs.put(0xc000_0080, mode.efer);
        state.gdtBase = CODE;
        state.gdtLimit = 0xffff;
        state.idtBase = HANDLERS;
        state.idtLimit = 0xfff;
        return state;
    }
}
