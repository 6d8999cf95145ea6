package org.jkvm.testkit;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Kernel images made by hand, in every format that a machine starts without firmware. */
public final class KernelImages {
    /** {@code hlt; jmp .-1}: f4 eb fd. */
    public static final byte[] HALT_FOREVER = {(byte) 0xf4, (byte) 0xeb, (byte) 0xfd};

    private KernelImages() {
    }

    /** A bzImage of one setup sector and {@code code} (protocol 2.15, init_size 1 MiB at 1 MiB). */
    public static byte[] bzImage(boolean has64BitEntry, byte[] code) {
        ByteBuffer b = little(1024 + (code.length + 15 & ~15));
        b.put(0x1f1, (byte) 1);                                   // setup_sects
        b.putInt(0x1f4, (code.length + 15) / 16);                 // syssize
        b.putShort(0x1fe, (short) 0xaa55);                        // boot_flag
        b.put(0x200, (byte) 0xeb).put(0x201, (byte) 0x6a);        // jump over the header
        b.put(0x202, "HdrS".getBytes(StandardCharsets.US_ASCII));
        b.putShort(0x206, (short) 0x20f);                         // version
        b.put(0x211, (byte) 1);                                   // loadflags: LOADED_HIGH
        b.putInt(0x214, 0x10_0000);                               // code32_start
        b.putInt(0x22c, 0x7fff_ffff);                             // initrd_addr_max
        b.putInt(0x230, 0x20_0000).put(0x234, (byte) 1);          // kernel_alignment, relocatable_kernel
        b.putShort(0x236, (short) (has64BitEntry ? 1 : 0));       // xloadflags
        b.putInt(0x238, 255);                                     // cmdline_size
        b.putLong(0x258, 0x10_0000).putInt(0x260, 0x10_0000);     // pref_address, init_size
        b.put(1024, code);
        return b.array();
    }

    /** An ELF32 file with one segment of {@code code} at {@code address}, entered {@code entry} bytes behind its start. */
    public static byte[] elf32(int address, int entry, byte[] code, int memsz) {
        ByteBuffer b = little(0x60 + code.length);
        b.put(new byte[] {0x7f, 'E', 'L', 'F', 1, 1, 1}).position(16);
        b.putShort((short) 2).putShort((short) 3).putInt(1).putInt(address + entry).putInt(52).putInt(0).putInt(0);
        b.putShort((short) 52).putShort((short) 32).putShort((short) 1).position(52);
        b.putInt(1).putInt(0x60).putInt(address).putInt(address).putInt(code.length).putInt(memsz).putInt(7).putInt(4);
        return b.put(0x60, code).array();
    }

    /** An ELF64 file with {@code code} at {@code paddr}, linked at {@code vaddr}, and a PVH entry note. */
    public static byte[] pvh(long vaddr, long paddr, byte[] code) {
        ByteBuffer b = little(0x100 + code.length);
        b.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1}).position(16);
        b.putShort((short) 2).putShort((short) 62).putInt(1).putLong(vaddr).putLong(64).putLong(0).putInt(0);
        b.putShort((short) 64).putShort((short) 56).putShort((short) 2).position(64);
        b.putInt(4).putInt(4).putLong(0xe0).putLong(0).putLong(0).putLong(24).putLong(24).putLong(4);
        b.putInt(1).putInt(5).putLong(0x100).putLong(vaddr).putLong(paddr).putLong(code.length).putLong(0x3000);
        b.putLong(0x1000).position(0xe0);
        b.putInt(4).putInt(8).putInt(18).put("Xen\0".getBytes(StandardCharsets.US_ASCII)).putLong(paddr);
        return b.put(0x100, code).array();
    }

    /** A multiboot header with flags; {@code addresses} are its five address fields, if any. */
    public static byte[] multibootHeader(int flags, int... addresses) {
        ByteBuffer b = little(12 + 4 * addresses.length);
        b.putInt(0x1bad_b002).putInt(flags).putInt(-(0x1bad_b002 + flags));
        for (int a : addresses) {
            b.putInt(a);
        }
        return b.array();
    }

    /** Two byte arrays, one behind the other. */
    public static byte[] join(byte[] a, byte[] b) {
        return ByteBuffer.allocate(a.length + b.length).put(a).put(b).array();
    }

    private static ByteBuffer little(int length) {
        return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    }
}
