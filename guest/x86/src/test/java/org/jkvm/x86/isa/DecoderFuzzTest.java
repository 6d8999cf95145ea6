package org.jkvm.x86.isa;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The decoder meets bytes that a hostile guest may choose. */
class DecoderFuzzTest {
    private static final long SEED = Long.getLong("jkvm.decoder.seed", System.nanoTime());
    private static final int ROUNDS = 300_000;
    private static final int[] LIKELY = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x64, 0x48, 0x4f, 0x0f, 0x38, 0x3a, 0xc4,
        0xc5, 0xff};

    @ParameterizedTest
    @ValueSource(ints = {16, 32, 64})
    void anyBytesAreAnInstructionOrAreRefused(int bits) {
        SplittableRandom random = new SplittableRandom(SEED);
        Decoder decoder = new Decoder(OpcodeTable.x86(), -1L);
        byte[] code = new byte[20];
        for (int i = 0; i < ROUNDS; i++) {
            fill(code, random);
            int end = random.nextInt(4) == 0 ? random.nextInt(code.length + 1) : code.length;
            check(decoder, code, end, bits);
        }
    }

    private static void fill(byte[] code, SplittableRandom random) {
        random.nextBytes(code);
        for (int n = random.nextInt(16); n > 0; n--) {
            code[random.nextInt(16)] = (byte) LIKELY[random.nextInt(LIKELY.length)];
        }
    }

    private static void check(Decoder decoder, byte[] code, int end, int bits) {
        Insn insn = new Insn();
        Decoder.Status status = decoder.decode(code, 0, end, bits, insn);
        String what = "%d-bit %s, %d bytes, seed %d".formatted(bits, HexFormat.of().formatHex(code), end, SEED);
        switch (status) {
            case OK -> {
                assertThat(insn.length()).as(what).isBetween(1, Math.min(end, Decoder.MAX_LENGTH));
                assertThat(insn.row).as(what).isNotNull();
                assertThat(insn.handler).as(what).isNotNull();
            }
            case TRUNCATED -> assertThat(end).as(what).isLessThan(Decoder.MAX_LENGTH);
            case TOO_LONG -> assertThat(end).as(what).isGreaterThanOrEqualTo(Decoder.MAX_LENGTH);
            case UNDEFINED -> assertThat(insn.length()).as(what).isLessThanOrEqualTo(Decoder.MAX_LENGTH);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {16, 32, 64})
    void whatIsCompleteStaysTheSameWithMoreBytes(int bits) {
        SplittableRandom random = new SplittableRandom(SEED);
        Decoder decoder = new Decoder(OpcodeTable.x86(), -1L);
        byte[] code = new byte[20];
        for (int i = 0; i < ROUNDS / 10; i++) {
            fill(code, random);
            Insn whole = new Insn();
            if (decoder.decode(code, 0, code.length, bits, whole) == Decoder.Status.OK) {
                assertThat(decoder.decode(code, 0, whole.length(), bits, new Insn())).isEqualTo(Decoder.Status.OK);
                assertThat(decoder.decode(code, 0, whole.length() - 1, bits, new Insn()))
                        .isEqualTo(Decoder.Status.TRUNCATED);
            }
        }
    }
}
