package org.jkvm.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sizes with and without suffixes. */
class SizesTest {
    @ParameterizedTest
    @CsvSource({"384, 402653184", "384M, 402653184", "1g, 1073741824", "1.5G, 1610612736", "64k, 65536", "7b, 7",
            "0x1000, 4096", "0, 0"})
    void readsSizes(String text, long bytes) {
        assertThat(Sizes.parse(text, 'm')).hasValue(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "384x", "-1", "1MM", "9223372036854775808b", "99999999999E", "0xffffffffffffffff", "1 G"})
    void refusesTheRest(String text) {
        assertThat(Sizes.parse(text, 'm')).isEmpty();
    }
}
