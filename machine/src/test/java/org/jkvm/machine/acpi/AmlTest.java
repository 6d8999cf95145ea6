package org.jkvm.machine.acpi;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** Encodings against the examples and rules of ACPI 6.4, chapter 20. */
class AmlTest {
    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    @Test
    void integersTakeTheirShortestForm() {
        assertThat(hex(Aml.integer(0))).isEqualTo("00");
        assertThat(hex(Aml.integer(1))).isEqualTo("01");
        assertThat(hex(Aml.integer(0xff))).isEqualTo("0aff");
        assertThat(hex(Aml.integer(0x1234))).isEqualTo("0b3412");
        assertThat(hex(Aml.integer(0x1_0000))).isEqualTo("0c00000100");
        assertThat(hex(Aml.integer(-1L))).isEqualTo("0effffffffffffffff");
    }

    @Test
    void namesArePaddedAndCounted() {
        assertThat(hex(Aml.name("_HID"))).isEqualTo("5f484944");
        assertThat(hex(Aml.name("\\_SB"))).isEqualTo("5c5f53425f");
        assertThat(hex(Aml.name("\\_SB.PCI0"))).isEqualTo("5c2e5f53425f50434930");
        assertThat(hex(Aml.name("^A.B.C"))).isEqualTo("5e2f03" + "415f5f5f" + "425f5f5f" + "435f5f5f");
    }

    @Test
    void eisaIdsAreCompressed() {
        assertThat(hex(Aml.eisaId("PNP0A03"))).isEqualTo("0c41d00a03");
        assertThat(hex(Aml.eisaId("PNP0501"))).isEqualTo("0c41d00501");
    }

    @Test
    void lengthsCountThemselves() {
        assertThat(hex(Aml.scope("A", new byte[58]))).startsWith("103f");
        assertThat(hex(Aml.scope("A", new byte[59]))).startsWith("104104");
        assertThat(hex(Aml.scope("A", new byte[4089]))).startsWith("104fff");
        assertThat(hex(Aml.scope("A", new byte[4090]))).startsWith("10810001");
    }
}
