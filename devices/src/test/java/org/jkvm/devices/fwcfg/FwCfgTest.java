package org.jkvm.devices.fwcfg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jkvm.testkit.FakeMemory;
import org.junit.jupiter.api.Test;

class FwCfgTest {
    private static final int READ = 2;
    private static final int SKIP = 4;
    private static final int SELECT = 8;
    private static final int WRITE = 16;
    private static final int ERROR = 1;
    private static final int STRUCTURE = 0x100;
    private static final int BUFFER = 0x1000;

    private final FakeMemory memory = new FakeMemory(0x10000);
    private final FwCfg fw = new FwCfg(memory);

    private byte[] item(int key, int length) {
        fw.window().write(0, 2, key);
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) fw.window().read(1, 1);
        }
        return bytes;
    }

    /** Starts an access and returns the control word afterwards. */
    private int dma(int control, int length, long address) {
        byte[] structure = ByteBuffer.allocate(16).putInt(control).putInt(length).putLong(address).array();
        memory.write(STRUCTURE, structure, 0, 16);
        fw.dmaWindow().write(4, 4, Integer.toUnsignedLong(Integer.reverseBytes(STRUCTURE)));
        return Integer.reverseBytes((int) memory.readInt(STRUCTURE, 4));
    }

    private byte[] ram(long address, int length) {
        byte[] bytes = new byte[length];
        memory.read(address, bytes, 0, length);
        return bytes;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Test
    void signatureAndInterfaces() {
        assertThat(item(FwCfg.SIGNATURE, 4)).isEqualTo(ascii("QEMU"));
        assertThat(item(FwCfg.ID, 4)).containsExactly(3, 0, 0, 0);
        assertThat(fw.dmaWindow().read(0, 8)).isEqualTo(Long.reverseBytes(0x51454d5520434647L));
    }

    @Test
    void readsZeroPastEndAndForUnknownKeys() {
        assertThat(item(FwCfg.SIGNATURE, 6)).containsExactly('Q', 'E', 'M', 'U', 0, 0);
        assertThat(item(0x7777, 2)).containsExactly(0, 0);
    }

    @Test
    void integersAreLittleEndian() {
        fw.addInt(FwCfg.RAM_SIZE, 8, 0x1_2345_6789L);
        assertThat(item(FwCfg.RAM_SIZE, 8)).containsExactly(0x89, 0x67, 0x45, 0x23, 1, 0, 0, 0);
    }

    @Test
    void directoryListsFilesByNameWithTheirKeys() {
        fw.addFile("etc/zebra", new byte[0x0102]);
        fw.addFile("bootorder", ascii("x"));
        fw.addFile("etc/zebra", new byte[3]);
        ByteBuffer directory = ByteBuffer.wrap(item(FwCfg.FILE_DIR, 4 + 128));
        assertThat(directory.getInt()).isEqualTo(2);
        assertThat(directory.getInt()).isEqualTo(1);
        assertThat(directory.getShort()).isEqualTo((short) 0x21);
        assertThat(directory.getShort()).isZero();
        byte[] name = new byte[56];
        directory.get(name);
        assertThat(new String(name, StandardCharsets.US_ASCII).trim()).isEqualTo("bootorder");
        assertThat(directory.getInt()).isEqualTo(3);
        assertThat(directory.getShort()).isEqualTo((short) 0x20);
        assertThat(item(0x21, 1)).isEqualTo(ascii("x"));
    }

    @Test
    void refusesBadNamesAndKeys() {
        assertThatIllegalArgumentException().isThrownBy(() -> fw.addFile("", new byte[1]));
        assertThatIllegalArgumentException().isThrownBy(() -> fw.addFile("x".repeat(56), new byte[1]));
        assertThatIllegalArgumentException().isThrownBy(() -> fw.add(0x4000, new byte[1]));
    }

    @Test
    void dmaSelectsSkipsAndReads() {
        fw.addFile("opt/digits", ascii("0123456789"));
        assertThat(dma(0x20 << 16 | SELECT | SKIP, 2, 0)).isZero();
        assertThat(dma(READ, 3, BUFFER)).isZero();
        assertThat(ram(BUFFER, 3)).isEqualTo(ascii("234"));
        memory.writeInt(BUFFER + 4, 4, -1);
        assertThat(dma(READ, 8, BUFFER)).isZero();
        assertThat(ram(BUFFER, 8)).isEqualTo(ascii("56789\0\0\0"));
    }

    @Test
    void dmaOutsideRamSetsErrorAndChangesNothing() {
        fw.addFile("opt/digits", ascii("0123456789"));
        dma(0x20 << 16 | SELECT, 0, 0);
        assertThat(dma(READ, 0x10000, BUFFER)).isEqualTo(ERROR);
        assertThat(dma(READ, 4, -8)).isEqualTo(ERROR);
        assertThat(dma(READ, -1, 0)).isEqualTo(ERROR);
        assertThat(ram(BUFFER, 4)).containsOnly(0);
        assertThat(dma(READ, 1, BUFFER)).isZero();
        assertThat(ram(BUFFER, 1)).isEqualTo(ascii("0"));
    }

    @Test
    void structureOutsideRamIsIgnored() {
        fw.dmaWindow().write(0, 8, -1L);
        assertThat(item(FwCfg.SIGNATURE, 1)).isEqualTo(ascii("Q"));
    }

    @Test
    void onlyWritableFilesCanBeWritten() {
        int[] writes = {0};
        byte[] content = ascii("....");
        fw.addFile("opt/fixed", ascii("fixed"));
        fw.addWritableFile("etc/box", content, () -> writes[0]++);
        memory.write(BUFFER, ascii("ABCDE"), 0, 5);
        assertThat(dma(0x20 << 16 | SELECT | WRITE, 2, BUFFER)).isEqualTo(ERROR);
        assertThat(dma(0x21 << 16 | SELECT | WRITE, 5, BUFFER)).isEqualTo(ERROR);
        assertThat(dma(0x21 << 16 | SELECT | SKIP, 1, 0)).isZero();
        assertThat(dma(WRITE, 2, BUFFER)).isZero();
        assertThat(content).isEqualTo(ascii(".AB."));
        assertThat(writes[0]).isEqualTo(1);
    }

    @Test
    void endlessSkippingNeverComesRound() {
        for (int i = 0; i < 4; i++) {
            assertThat(dma(SKIP, -1, 0)).isZero();
        }
        assertThat(fw.window().read(1, 1)).isZero();
    }
}
