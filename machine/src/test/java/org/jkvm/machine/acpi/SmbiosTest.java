package org.jkvm.machine.acpi;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jkvm.machine.memory.RamLayout;
import org.junit.jupiter.api.Test;

class SmbiosTest {
    private static final int START = 0xf_f000;

    @Test
    void theEntryPointLeadsToEveryRequiredStructure() {
        byte[] image = new Smbios(new RamLayout(8L << 30), 2, START).image();
        ByteBuffer b = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(AcpiTable.sum(image, 31)).isZero();
        byte[] intermediate = new byte[15];
        b.get(16, intermediate);
        assertThat(AcpiTable.sum(intermediate, 15)).isZero();
        List<Integer> types = new ArrayList<>();
        int at = b.getInt(24) - START;
        while (at < image.length) {
            types.add((int) b.get(at));
            at = end(b, at);
        }
        assertThat(types).containsExactly(0, 1, 3, 4, 16, 17, 19, 19, 32, 127);
        assertThat(b.getShort(28)).isEqualTo((short) types.size());
        assertThat(b.getShort(22)).isEqualTo((short) (image.length - 32));
    }

    /** Behind the formatted area two zero bytes end the strings. */
    private static int end(ByteBuffer b, int structure) {
        int at = structure + b.get(structure + 1);
        while (b.getShort(at) != 0) {
            at++;
        }
        return at + 2;
    }
}
