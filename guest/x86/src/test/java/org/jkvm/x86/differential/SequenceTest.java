package org.jkvm.x86.differential;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jkvm.x64.CodeCache;
import org.jkvm.x64.HostCpu;
import org.jkvm.x64.HostRegisters;
import org.jkvm.x86.cpuid.CpuidTable;
import org.jkvm.x86.exec.QuickForms;
import org.jkvm.x86.isa.Decoder;
import org.jkvm.x86.isa.Feature;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.isa.OpcodeTable;
import org.jkvm.x86.isa.Row;
import org.jkvm.x86.translate.LockStepDifference;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random blocks of several instructions, most of which set or use flags, translated in lock-step with the interpreter: flags are
 * kept across what clobbers the host's, and are right where an instruction in the middle faults or is left to the interpreter.
 *
 * <p>{@code -Djkvm.sequence.seed=N} repeats a run, {@code -Djkvm.sequence.blocks=N} sets the number of blocks (600).
 */
class SequenceTest {
    private static final long SEED = Long.getLong("jkvm.sequence.seed", System.nanoTime());
    private static final int BLOCKS = Integer.getInteger("jkvm.sequence.blocks", 600);
    private static final int RUNS_A_BLOCK = 6;
    private static final int SCRATCH = 0x1_8000;
    private static final int RSP = 4;
    private static final int ATTEMPTS = 50;

    private final Arena arena = Arena.ofConfined();
    private final HostRegisters state = HostRegisters.allocate(arena);

    @BeforeAll
    static void needsAnX86Host() {
        Assumptions.assumeTrue(CodeCache.isHostSupported(), "the host is not x86-64");
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 32, 16})
    void blocksDoWhatTheInterpreterDoes(int bits) {
        System.out.printf("sequences, %d-bit code: -Djkvm.sequence.seed=%d%n", bits, SEED);
        CpuidTable features = HostCpuid.read();
        try (HostCpu host = new HostCpu(Trial.mode(bits));
                GuestSide guest = new GuestSide(bits, host, features, true)) {
            guest.check();
            List<Row> rows = rows(bits, features);
            List<Row> flagRows = rows.stream().filter(SequenceTest::concernsFlags).toList();
            for (int n = 0; n < BLOCKS; n++) {
                SplittableRandom random = new SplittableRandom(SEED + n);
                Insn[] block = new Maker(random, host, bits).block(flagRows, rows);
                for (int run = 0; run < RUNS_A_BLOCK; run++) {
                    run(guest, host, random, block);
                }
            }
            assertThat(guest.describe()).containsPattern("lock-step: [1-9]\\d{" + (Integer.toString(BLOCKS).length() - 1)
                    + ",} runs compared");
        }
    }

    @Test
    void aDifferenceIsFound() {
        try (HostCpu host = new HostCpu(); GuestSide guest = new GuestSide(64, host, HostCpuid.read(), true)) {
            guest.check();
            Insn insn = new Maker(new SplittableRandom(SEED), host, 64).decode(new byte[] {(byte) 0xff, (byte) 0xc0}, 0);
            insn.handler = (cpu, i) -> cpu.setReg(i.dst, i.dstSize, 77); // What INC EAX does not do.
            guest.load(state);
            assertThatThrownBy(() -> guest.run(host.instructionPointer(), insn)).isInstanceOf(LockStepDifference.class)
                    .extracting(e -> ((LockStepDifference) e).details()).asString()
                    .containsPattern("rax +0{16} +0{14}4d +0{15}1 +<--").contains("inc    eax");
        }
    }

    private static List<Row> rows(int bits, CpuidTable features) {
        return OpcodeTable.x86().rows().stream()
                .filter(row -> row.mode() != (bits == 64 ? Row.Mode.I64 : Row.Mode.O64))
                .filter(row -> (features.features() & row.feature().bit()) != 0)
                .filter(row -> Exclusions.reason(row) == null && !Exclusions.alwaysFaults(row) && !row.isBlockEnd()).toList();
    }

    private static boolean concernsFlags(Row row) {
        return row.feature() == Feature.BASE && !(row.flagsRead() + row.flagsWritten()).isEmpty();
    }

    private void run(GuestSide guest, HostCpu host, SplittableRandom random, Insn... block) {
        EdgeValues values = new EdgeValues(random);
        for (int n = 0; n < 16; n++) {
            long value = values.integer();
            state.general(n, block[0].bits64 ? value : value & 0xffff_ffffL);
            state.xmm(n, 0, values.vectorHalf());
            state.xmm(n, 1, values.vectorHalf());
        }
        state.general(RSP, host.stackPointer() + 8L * random.nextInt(-16, 16));
        state.rflags(random.nextInt(0x1000) & HostCpu.INPUT_FLAGS);
        state.mxcsr(0x1f80);
        state.controlWord(0x37f);
        guest.load(state);
        guest.loadVectors(state);
        fill(guest.memory().asSlice(SCRATCH, 0x1000), values);
        try {
            guest.run(host.instructionPointer(), block);
        } catch (LockStepDifference difference) {
            fail("seed %d: %s%n%s%n%s".formatted(SEED, difference.getMessage(), names(block), difference.details()));
        }
    }

    private static void fill(MemorySegment memory, EdgeValues values) {
        for (int at = 0; at < memory.byteSize(); at += 8) {
            memory.set(ValueLayout.JAVA_LONG_UNALIGNED, at, values.vectorHalf());
        }
    }

    private static String names(Insn... block) {
        return String.join("; ", Arrays.stream(block).map(i -> i.row.toString()).toList());
    }

    /** Writes blocks. */
    private static final class Maker {
        private final SplittableRandom random;
        private final HostCpu host;
        private final int bits;
        private final CandidateMaker candidates;
        private final Decoder decoder = new Decoder(OpcodeTable.x86(), -1L);

        Maker(SplittableRandom random, HostCpu host, int bits) {
            this.random = random;
            this.host = host;
            this.bits = bits;
            this.candidates = new CandidateMaker(random, host.instructionPointer());
        }

        /** 3 to 8 instructions, two of three from {@code often}. */
        Insn[] block(List<Row> often, List<Row> all) {
            ByteArrayOutputStream code = new ByteArrayOutputStream();
            List<Insn> insns = new ArrayList<>();
            int count = random.nextInt(3, 9);
            while (insns.size() < count) {
                List<Row> from = random.nextInt(3) == 0 ? all : often;
                byte[] bytes = encoding(from.get(random.nextInt(from.size())));
                if (bytes != null) {
                    insns.add(decode(bytes, code.size()));
                    code.writeBytes(bytes);
                }
            }
            return insns.toArray(new Insn[0]);
        }

        private Insn decode(byte[] bytes, int start) {
            Insn insn = new Insn();
            insn.start = (short) start;
            decoder.decode(bytes, 0, bytes.length, bits, insn);
            insn.handler = QuickForms.of(insn);
            return insn;
        }

        /** An encoding of {@code row} whose memory operand, if any, is mostly where there is memory; or null. */
        private byte[] encoding(Row row) {
            List<Form> forms = DifferentialTest.forms(row, bits);
            for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                Form form = forms.get(random.nextInt(forms.size()));
                long target = host.memory().address() - host.dataBase() + SCRATCH + 0x100 + random.nextInt(0xd00);
                Candidate c = candidates.make(row, form, target, host.branchTarget());
                if (c != null && (isAbsolute(c.insn()) || random.nextInt(40) == 0)) {
                    return c.bytes();
                }
            }
            return null;
        }

        private static boolean isAbsolute(Insn i) {
            return !i.memory() || i.baseNumber < 0 && i.indexNumber < 0 || i.baseNumber == RSP && i.indexNumber < 0;
        }
    }
}
