package org.jkvm.storage.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * A short run in every build; {@code -Djkvm.fuzz=10000000} makes it a campaign, {@code -Djkvm.seed=} repeats one
 * execution.
 */
class FuzzTest {
    private static final long SHORT = 20_000;
    private static final long TELL_EVERY = 500_000;

    /** The campaign without a build around it: {@code java -Xmx512m ... FuzzTest EXECUTIONS}. */
    static void main(String[] arguments) throws IOException {
        run(Long.parseLong(arguments[0]));
    }

    @Test
    void damagedImagesAreRefusedInOneLine() throws IOException {
        Fuzzer fuzzer = run(Long.getLong("jkvm.fuzz", SHORT));
        assertThat(fuzzer.refused() + fuzzer.opened()).isPositive();
    }

    private static Fuzzer run(long most) throws IOException {
        String only = System.getProperty("jkvm.fuzz.image", "");
        Fuzzer fuzzer = new Fuzzer(Seeds.all().stream().filter(s -> s.name().contains(only)).toList());
        Long given = Long.getLong("jkvm.seed");
        long first = given != null ? given : new Random().nextLong();
        long count = given != null ? 1 : most;
        long start = System.nanoTime();
        for (long i = 0; i < count; i++) {
            fuzzer.run(first + i);
            if ((i + 1) % TELL_EVERY == 0) {
                tell(fuzzer, i + 1, first, start);
            }
        }
        tell(fuzzer, count, first, start);
        return fuzzer;
    }

    private static void tell(Fuzzer fuzzer, long count, long first, long start) {
        System.out.printf("fuzz: %d executions from seed %d: %d images refused, %d opened, %d s%n", count, first,
                fuzzer.refused(), fuzzer.opened(), (System.nanoTime() - start) / 1_000_000_000);
    }
}
