package org.jkvm.x86.exec.x87;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.util.SplittableRandom;
import org.jkvm.x86.fp.Float80;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Environments and FXSAVE images: what they hold comes back, and comes back the same. */
class X87ImagesTest {
    private static final int CASES = 500;
    private final SplittableRandom random = new SplittableRandom(107);
    private final Arena arena = Arena.ofAuto();
    private final X87State state = new X87State(arena.allocate(X87State.SIZE, 16).address());
    private final X87State other = new X87State(arena.allocate(X87State.SIZE, 16).address());

    @ParameterizedTest
    @CsvSource({"false,false", "false,true", "true,false", "true,true"})
    void anEnvironmentSurvivesItsOwnFormat(boolean wide, boolean protectedMode) {
        X87Environment first = new X87Environment();
        X87Environment second = new X87Environment();
        for (int n = 0; n < CASES; n++) {
            randomize();
            first.save(state, wide, protectedMode);
            copyRegisters();
            first.load(other, wide, protectedMode);
            second.save(other, wide, protectedMode);
            for (int word = 0; word < X87Environment.WORDS; word++) {
                assertThat(second.word(word)).as("word %d", word).isEqualTo(first.word(word));
            }
        }
    }

    private void randomize() {
        state.initialize();
        for (int i = 0; i < 8; i++) {
            int signExponent = random.nextInt(4) == 0 ? 0 : random.nextInt(0x10000);
            state.storePhysical(i, new Float80(signExponent, random.nextInt(3) == 0 ? 0 : random.nextLong()));
        }
        state.setValid(random.nextInt(256));
        state.setControl(random.nextInt(0x10000));
        state.setStatus(random.nextInt(0x10000));
        state.setInstruction(random.nextInt(0x800), random.nextInt(0x10000), random.nextInt() & 0xffff_ffffL);
        state.setOperand(random.nextInt(0x10000), random.nextInt() & 0xffff_ffffL);
    }

    private void copyRegisters() {
        Float80 value = new Float80();
        for (int i = 0; i < 8; i++) {
            state.loadPhysical(i, value);
            other.storePhysical(i, value);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anFxsaveImageSurvives(boolean wide) {
        FxImage image = new FxImage();
        for (int n = 0; n < CASES; n++) {
            randomize();
            long[] first = new long[FxImage.WORDS];
            long[] second = new long[FxImage.WORDS];
            image.save(state, first, wide);
            image.load(other, first, wide);
            image.save(other, second, wide);
            assertThat(second).containsExactly(first);
        }
    }

    @Test
    void fullTagsTellZeroSpecialAndEmpty() {
        state.initialize();
        state.storePhysical(0, new Float80(0x3fff, Long.MIN_VALUE));
        state.storePhysical(1, new Float80(0x8000, 0));
        state.storePhysical(2, new Float80(0x7fff, Long.MIN_VALUE));
        state.storePhysical(3, new Float80(0, 1));
        state.storePhysical(4, new Float80(0x3fff, 1));
        state.setValid(0x1f);
        assertThat(state.fullTag(new Float80())).isEqualTo(0b11_11_11_10_10_10_01_00);
    }

    @Test
    void loadingStatusFindsPendingErrorsAnew() {
        state.initialize();
        state.setStatus(0x8080);
        assertThat(state.isPending()).as("no flag, no error").isFalse();
        state.setControl(0x37e);
        state.setStatus(1);
        assertThat(state.status()).isEqualTo(0x8081);
    }
}
