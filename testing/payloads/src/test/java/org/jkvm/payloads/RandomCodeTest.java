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
 * {@code -Djkvm.random.instructions=N} makes it longer: so many are executed in each mode, not counting what generated
 * code executes without lock-step.
 */
@ParameterizedClass
@EnumSource(names = {"INTERPRETER", "TRANSLATOR", "LOCK_STEP"})
class RandomCodeTest {
    private static final long SEED = Long.getLong("jkvm.random.seed", System.nanoTime());
    private static final int LEAST_ROUNDS = 400;
    private static final long INSTRUCTIONS = Long.getLong("jkvm.random.instructions", 0);
    private static final int EXITS = 400;
    private static final int RAM = 2 << 20;
    /** Read-only memory between two slots of RAM; behind the last there is nothing. */
    private static final int ROM = 0x18_0000;
    private static final int ROM_END = 0x1a_0000;
    private static final int GUARD = 1 << 16;
    private static final int CODE = 0x8000;
    private static final int CODE_BYTES = 0x4000;
    private static final int PAGES = 0x1000;
    private static final int IDT = 0x4000;
    private static final int GDT = 0x5000;
    private static final int TASK = 0x6000;
    private static final int STACK = 0x8000;
    private static final long ROUND_NANOS = 1_000_000;
    private static final long OSXSAVE = 1 << 18;
    /** All of memory is new every so many rounds, the code every round. */
    private static final int ROUNDS_A_FILL = 32;

    private static final byte[] PREFIXES = {0x66, 0x67, (byte) 0xf2, (byte) 0xf3, (byte) 0xf0, 0x48, 0x41, 0x64};

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

        private boolean isLong() {
            return efer != 0;
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
            setSlots(vm, ram);
            X86Vcpu vcpu = vm.createVcpu(0, backend.models().parse("max", 1, 1));
            for (int round = 0; round < LEAST_ROUNDS || vcpu.instructions() < INSTRUCTIONS; round++) {
                vcpu.reset();
                fill(mode, random, ram, round % ROUNDS_A_FILL == 0 ? RAM : CODE + CODE_BYTES);
                vcpu.writeState(state(mode, random, vcpu.readState()));
                clock.timer("next", vcpu::kick).arm(clock.nanos() + ROUND_NANOS);
                runOnce(vcpu, random);
            }
            System.out.printf("random code, %s: %d instructions%n", mode, vcpu.instructions());
            assertThat(host.segment().asSlice(0, GUARD).mismatch(MemorySegment.ofArray(new byte[GUARD]))).isEqualTo(-1);
            assertThat(host.segment().asSlice(GUARD + RAM, GUARD).mismatch(MemorySegment.ofArray(new byte[GUARD])))
                    .isEqualTo(-1);
        } finally {
            clock.close();
        }
    }

    private static void setSlots(VirtualMachine vm, MemorySegment ram) {
        vm.setMemorySlot(new MemorySlot(0, 0, ram.asSlice(0, ROM), false, true));
        vm.setMemorySlot(new MemorySlot(1, ROM, ram.asSlice(ROM, ROM_END - ROM), true, false));
        vm.setMemorySlot(new MemorySlot(2, ROM_END, ram.asSlice(ROM_END, RAM - ROM_END), false, false));
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

    /**
     * Random bytes everywhere, but page tables that map memory onto itself, and descriptor tables by which exceptions go on
     * with random code, where there are any.
     */
    private static void fill(Mode mode, Random random, MemorySegment ram, int size) {
        byte[] bytes = new byte[size];
        random.nextBytes(bytes);
        season(bytes, random);
        MemorySegment.copy(bytes, 0, ram, ValueLayout.JAVA_BYTE, 0, size);
        ram.asSlice(PAGES, 0x3000).fill((byte) 0);
        ram.set(ValueLayout.JAVA_LONG, PAGES, PAGES + 0x1007); // PML4
        ram.set(ValueLayout.JAVA_LONG, PAGES + 0x1000, PAGES + 0x2007);
        ram.set(ValueLayout.JAVA_LONG, PAGES + 0x2000, 0x87); // and the page directory of 32-bit paging
        descriptors(mode, ram);
        for (int vector = 0; vector < 256; vector++) {
            long offset = CODE + random.nextInt(CODE_BYTES);
            long at = IDT + (mode.isLong() ? 16L : 8L) * vector;
            ram.set(ValueLayout.JAVA_LONG, at, offset | (mode.isLong() ? 0x38L : 8L) << 16 | 0xee00L << 32);
            if (mode.isLong()) {
                ram.set(ValueLayout.JAVA_LONG, at + 8, 0);
            }
        }
    }

    /** Makes some of the bytes what random ones seldom are: escapes, VEX prefixes, short jumps that stay near. */
    private static void season(byte[] bytes, Random random) {
        for (int at = CODE; at < CODE + CODE_BYTES - 3; at += 1 + random.nextInt(12)) {
            switch (random.nextInt(6)) {
                case 0 -> bytes[at] = 0x0f;
                case 1 -> bytes[at] = PREFIXES[random.nextInt(PREFIXES.length)];
                case 2 -> {
                    bytes[at] = (byte) 0xc4;
                    bytes[at + 1] = (byte) (0xe1 + random.nextInt(3));
                }
                case 3 -> bytes[at] = (byte) 0xc5;
                default -> {
                    bytes[at] = (byte) (0x70 + random.nextInt(16));
                    bytes[at + 1] = (byte) (random.nextInt(64) - 40);
                }
            }
        }
    }

    /** SDM vol. 3A, sections 3.4.5 and 8.2.1: code and data for both privileges, a task with a stack, 64-bit code. */
    private static void descriptors(Mode mode, MemorySegment ram) {
        long flags = (mode.code >> 12 | 8L) << 52;
        long[] gdt = {0, 0x000f_9b00_0000_ffffL | flags, 0x00cf_9300_0000_ffffL, 0x000f_fb00_0000_ffffL | flags,
            0x00cf_f300_0000_ffffL, 0x0000_8b00_0000_0fffL | (long) TASK << 16, 0,
            0x00af_9b00_0000_ffffL};
        for (int n = 0; n < gdt.length; n++) {
            ram.set(ValueLayout.JAVA_LONG, GDT + 8L * n, gdt[n]);
        }
        ram.set(ValueLayout.JAVA_LONG_UNALIGNED, TASK + 4, mode.isLong() ? STACK : STACK | 0x10L << 32);
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
        state.rip = CODE + random.nextInt(CODE_BYTES);
        state.segments[X86State.TR] = new X86State.Segment(0x28, TASK, 0xfff, 0x8b);
        state.cr0 = mode.cr0;
        state.cr3 = mode == Mode.PAGED_32 ? PAGES + 0x2000 : PAGES;
        boolean avx = random.nextBoolean();
        state.cr4 = mode.cr4 | (avx ? OSXSAVE : 0);
        state.xcr0 = avx ? 7 : 1;
        state.msrs.put(0xc000_0080, mode.efer);
        state.gdtBase = GDT;
        state.gdtLimit = 0xffff;
        state.idtBase = mode == Mode.REAL ? 0 : IDT;
        state.idtLimit = 0xfff;
        return state;
    }
}
