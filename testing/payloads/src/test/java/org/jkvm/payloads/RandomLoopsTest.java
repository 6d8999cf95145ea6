package org.jkvm.payloads;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jkvm.x64.Size.BYTE;
import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jkvm.base.time.Clock;
import org.jkvm.base.time.SystemClock;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.MemorySlot;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86Vcpu;
import org.jkvm.linux.SharedMemory;
import org.jkvm.x64.ArithmeticInstructions.Alu;
import org.jkvm.x64.ArithmeticInstructions.Shift;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.Label;
import org.jkvm.x64.Mem;
import org.jkvm.x64.OpcodeMap;
import org.jkvm.x64.Reencoding;
import org.jkvm.x64.Size;
import org.jkvm.x64.Xmm;
import org.junit.jupiter.api.Test;

/**
 * Random loops over memory, interpreted and translated: pointers that move in all ways, over pages that lie in memory in any order,
 * some missing, some read-only. Registers, memory and where a loop was stopped must agree, and memory beside the guest's is
 * untouched. {@code -Djkvm.random.seed=N} repeats a run, {@code -Djkvm.random.loops=N} makes it longer.
 */
class RandomLoopsTest {
    private static final long SEED = Long.getLong("jkvm.random.seed", System.nanoTime());
    private static final int LOOPS = Integer.getInteger("jkvm.random.loops", 600);
    private static final int RAM = 4 << 20;
    private static final int GUARD = 1 << 20;
    private static final int PAGE = 4096;
    private static final int PML4 = 0x1000;
    private static final int TABLES = 0x1_0000;
    private static final int IDT = 0x4000;
    private static final int GDT = 0x5000;
    private static final int HANDLER = 0x6000;
    private static final int STACK = 0x7800;
    private static final int CODE = 0x8000;
    private static final int CODE_BYTES = 0x4000;
    private static final int DATA = 0x20_0000;
    private static final int FRAMES = 0x30_0000;
    private static final int DATA_PAGES = 64;
    private static final int PRESENT = 1;
    private static final int WRITABLE = 2;
    private static final int MOST_TURNS = 1500;
    private static final long LIMIT_NANOS = 60_000_000_000L;
    private static final byte[] OUT = {(byte) 0xe6, (byte) 0xf4};
    private static final int[] STRIDES = {1, 2, 3, 4, 8, 12, 16, 24, 32, 48, 64, 100, 256, 1000, 4096, -1, -4, -8, -16, -40};
    private static final Gpr[] POINTERS = {Gpr.RBX, Gpr.RSI, Gpr.RDI, Gpr.RBP, Gpr.R8, Gpr.R9, Gpr.R12, Gpr.R13, Gpr.R15};
    private static final Gpr[] VALUES = {Gpr.RAX, Gpr.R10, Gpr.R11, Gpr.R14};
    private static final Size[] SIZES = {BYTE, Size.WORD, DWORD, QWORD};
    private static final Alu[] ALUS = Alu.values();

    private final Random random = new Random(SEED);

    /** A processor with memory of its own. */
    private static final class Machine implements AutoCloseable {
        private final SystemClock clock = new SystemClock(new ReentrantLock());
        private final SharedMemory host = SharedMemory.allocate("loops", RAM + 2 * GUARD);
        private final MemorySegment ram = host.segment().asSlice(GUARD, RAM);
        private final VirtualMachine vm;
        private final X86Vcpu vcpu;
        private final Clock.Timer giveUp;

        private Machine(TestBackend backend) {
            vm = backend.hypervisor().createVirtualMachine(new VmConfig(1, clock));
            vm.setMemorySlot(new MemorySlot(0, 0, ram, false, false));
            vcpu = vm.createVcpu(0, backend.models().parse("max", 1, 1));
            giveUp = clock.timer("give up", vcpu::kick);
        }

        /** Runs until an OUT. */
        private X86State run(byte[] code, int at, long... registers) {
            MemorySegment.copy(code, 0, ram, ValueLayout.JAVA_BYTE, at, code.length);
            vcpu.reset();
            X86State state = state(vcpu.readState());
            System.arraycopy(registers, 0, state.general, 0, registers.length);
            state.rip = at;
            vcpu.writeState(state);
            giveUp.arm(clock.nanos() + LIMIT_NANOS);
            VmExit exit = vcpu.run(ExitAnswer.NONE);
            assertThat(exit).as(() -> "rip %x, %s, seed %d".formatted(vcpu.readState().rip, text(vcpu.readState().general), SEED))
                    .isInstanceOf(VmExit.PortWrite.class);
            return vcpu.readState();
        }

        @Override
        public void close() {
            vm.close();
            clock.close();
            host.close();
        }
    }

    @Test
    void interpreterAndTranslatorAgree() {
        TestBackend.TRANSLATOR.assumePresent();
        System.out.printf("random loops: -Djkvm.random.seed=%d%n", SEED);
        try (Machine expected = new Machine(TestBackend.INTERPRETER); Machine found = new Machine(TestBackend.TRANSLATOR)) {
            fill(expected.ram);
            found.ram.copyFrom(expected.ram);
            for (int loop = 0; loop < LOOPS; loop++) {
                int at = CODE + random.nextInt(CODE_BYTES);
                byte[] code = loop(at);
                for (int run = 0; run < 3; run++) {
                    long[] registers = registers();
                    compare("seed %d, loop %d, run %d".formatted(SEED, loop, run), expected, found,
                            expected.run(code, at, registers), found.run(code, at, registers));
                }
            }
            for (long guard : new long[] {0, GUARD + RAM}) {
                assertThat(found.host.segment().asSlice(guard, GUARD).mismatch(MemorySegment.ofArray(new byte[GUARD]))).isEqualTo(-1);
            }
        }
    }

    private static void compare(String what, Machine expected, Machine found, X86State interpreted, X86State translated) {
        assertThat(text(translated.general)).as(what).isEqualTo(text(interpreted.general));
        assertThat(translated.rip).as(what).isEqualTo(interpreted.rip);
        int frames = DATA_PAGES * PAGE;
        assertThat(found.ram.asSlice(FRAMES, frames).mismatch(expected.ram.asSlice(FRAMES, frames))).as(what).isEqualTo(-1);
        if (interpreted.rip >= CODE) {
            return;
        }
        for (int word = 0; word < 2; word++) { // Error code and RIP.
            long at = interpreted.general[4] + 8 * word;
            assertThat(found.ram.get(ValueLayout.JAVA_LONG, at)).as(what).isEqualTo(expected.ram.get(ValueLayout.JAVA_LONG, at));
        }
    }

    private static String text(long... registers) {
        return IntStream.range(0, registers.length).mapToObj(n -> Gpr.of(n) + "=%x".formatted(registers[n]))
                .collect(Collectors.joining(" "));
    }

    // ---- the machine ----

    private void fill(MemorySegment ram) {
        byte[] bytes = new byte[DATA_PAGES * PAGE];
        random.nextBytes(bytes);
        MemorySegment.copy(bytes, 0, ram, ValueLayout.JAVA_BYTE, FRAMES, bytes.length);
        ram.set(ValueLayout.JAVA_LONG, PML4, PML4 + 0x1003);
        ram.set(ValueLayout.JAVA_LONG, PML4 + 0x1000, PML4 + 0x2003);
        for (int n = 0; n < RAM / PAGE; n++) {
            ram.set(ValueLayout.JAVA_LONG, PML4 + 0x2000 + n / 512 * 8, TABLES + n / 512 * PAGE | 3L);
            ram.set(ValueLayout.JAVA_LONG, TABLES + 8L * n, (long) n * PAGE | PRESENT | WRITABLE);
        }
        List<Integer> order = new ArrayList<>(IntStream.range(0, DATA_PAGES).boxed().toList());
        Collections.shuffle(order, random);
        for (int n = 0; n < DATA_PAGES; n++) {
            int kind = random.nextInt(16);
            int flags = kind == 0 ? 0 : kind == 1 ? PRESENT : PRESENT | WRITABLE;
            ram.set(ValueLayout.JAVA_LONG, TABLES + 8L * (DATA / PAGE + n), FRAMES + (long) order.get(n) * PAGE | flags);
        }
        for (int vector = 0; vector < 32; vector++) {
            ram.set(ValueLayout.JAVA_LONG, IDT + 16L * vector, HANDLER | 8L << 16 | 0x8e00L << 32);
        }
        ram.set(ValueLayout.JAVA_LONG, GDT + 8, 0x00af_9b00_0000_ffffL);
        ram.set(ValueLayout.JAVA_LONG, GDT + 16, 0x00cf_9300_0000_ffffL);
        MemorySegment.copy(OUT, 0, ram, ValueLayout.JAVA_BYTE, HANDLER, OUT.length);
    }

    private static X86State state(X86State state) {
        for (int n = 0; n < 6; n++) {
            state.segments[n] = new X86State.Segment(0x10, 0, -1, 0xc093);
        }
        state.segments[1] = new X86State.Segment(8, 0, -1, 0xa09b);
        state.cr0 = 0x8001_0011L;
        state.cr3 = PML4;
        state.cr4 = 0x620;
        state.msrs.put(0xc000_0080, 0x501L);
        state.gdtBase = GDT;
        state.gdtLimit = 0xffff;
        state.idtBase = IDT;
        state.idtLimit = 0xfff;
        state.rflags = 2;
        return state;
    }

    private long[] registers() {
        long[] registers = new long[16];
        for (int n = 0; n < registers.length; n++) {
            registers[n] = random.nextInt();
        }
        for (Gpr pointer : POINTERS) {
            int unit = random.nextInt(4) == 0 ? 1 : 16;
            registers[pointer.number()] = DATA + random.nextInt(DATA_PAGES * PAGE / unit) * unit;
        }
        registers[Gpr.RCX.number()] = 1 + random.nextInt(MOST_TURNS);
        registers[Gpr.RDX.number()] = random.nextInt(64);
        registers[Gpr.RSP.number()] = STACK;
        return registers;
    }

    // ---- loops ----

    private byte[] loop(int at) {
        Assembler a = new Assembler(at);
        Label top = new Label();
        a.bind(top);
        Gpr[] pointers = {any(POINTERS), any(POINTERS), any(POINTERS)};
        boolean index = random.nextInt(3) == 0;
        int length = 1 + random.nextInt(8);
        for (int n = 0; n < length; n++) {
            if (random.nextInt(4) == 0) {
                between(a);
            } else {
                access(a, memory(pointers, index));
            }
            if (random.nextInt(3) == 0) {
                move(a, pointers[random.nextInt(pointers.length)]);
            }
        }
        move(a, index ? Gpr.RDX : pointers[0]);
        last(a, top);
        a.bytes(OUT);
        return a.toByteArray();
    }

    private <T> T any(T[] of) {
        return of[random.nextInt(of.length)];
    }

    private Mem memory(Gpr[] pointers, boolean index) {
        int disp = random.nextInt(4) == 0 ? 16 * random.nextInt(64) - 512 : 8 * random.nextInt(8);
        Gpr base = any(pointers);
        return index && random.nextBoolean() ? new Mem(base, Gpr.RDX, 1 << random.nextInt(4), disp) : Mem.at(base, disp);
    }

    private void access(Assembler a, Mem memory) {
        Size size = any(SIZES);
        Gpr value = any(VALUES);
        switch (random.nextInt(12)) {
            case 0, 1 -> a.mov(size, value, memory);
            case 2, 3 -> a.mov(size, memory, value);
            case 4 -> a.alu(any(ALUS), size, value, memory);
            case 5 -> a.alu(any(ALUS), size, memory, value);
            case 6 -> a.movzx(DWORD, value, BYTE, memory);
            case 7 -> a.inc(size, memory);
            case 8 -> a.mov(size, memory, random.nextInt(100));
            case 9 -> a.xchg(size, memory, value);
            case 10 -> vector(a, 0x10, 0x10 + random.nextInt(2), memory); // MOVUPS
            default -> vector(a, 0x28, random.nextInt(3) == 0 ? 0x57 : 0x28 + random.nextInt(2), memory); // MOVAPS, XORPS
        }
    }

    private void vector(Assembler a, int kind, int opcode, Mem memory) {
        int register = kind == 0x10 ? 0 : random.nextInt(Xmm.values().length);
        a.encode(Reencoding.of(0, false, OpcodeMap.ESCAPE_0F, opcode, register), memory);
    }

    /** Something that has to do with flags and not with memory; none that a shift leaves undefined is read (SDM vol. 2B, SHL). */
    private void between(Assembler a) {
        Gpr value = any(VALUES);
        Size size = any(SIZES);
        switch (random.nextInt(7)) {
            case 0 -> a.shift(any(new Shift[] {Shift.SHL, Shift.SHR, Shift.SAR, Shift.ROL}), size, value, 1);
            case 1 -> a.shiftByCl(any(new Shift[] {Shift.SHL, Shift.SHR, Shift.SAR}), any(new Size[] {DWORD, QWORD}), value);
            case 2 -> a.alu(any(ALUS), size, value, any(VALUES));
            case 3 -> a.alu(any(ALUS), size, value, random.nextInt(256) - 128);
            case 4 -> a.neg(size, value);
            case 5 -> {
                a.alu(any(ALUS), size, value, any(VALUES));
                a.cmov(Cond.O, QWORD, value, any(VALUES));
            }
            default -> a.cmov(any(new Cond[] {Cond.B, Cond.E, Cond.S}), QWORD, value, any(VALUES));
        }
    }

    private void move(Assembler a, Gpr pointer) {
        int by = pointer == Gpr.RDX ? 1 + random.nextInt(3) : STRIDES[random.nextInt(STRIDES.length)];
        switch (random.nextInt(5)) {
            case 0 -> a.sub(QWORD, pointer, -by);
            case 1 -> a.lea(QWORD, pointer, Mem.at(pointer, by));
            case 2 -> a.inc(QWORD, pointer);
            default -> a.add(QWORD, pointer, by);
        }
    }

    private void last(Assembler a, Label top) {
        switch (random.nextInt(4)) {
            case 0 -> {
                a.sub(DWORD, Gpr.RCX, 1);
                a.j(Cond.NE, top);
            }
            case 1 -> {
                a.dec(QWORD, Gpr.RCX);
                a.j(Cond.NE, top);
            }
            case 2 -> {
                a.add(QWORD, Gpr.RCX, -2);
                a.test(QWORD, Gpr.RCX, Gpr.RCX);
                a.j(Cond.G, top);
            }
            default -> {
                a.lea(QWORD, Gpr.RCX, Mem.at(Gpr.RCX, -3));
                a.cmp(QWORD, Gpr.RCX, 7);
                a.j(Cond.GE, top);
            }
        }
    }
}
