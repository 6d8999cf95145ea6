package org.jkvm.x86.translate;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jkvm.x86.mmu.Mmu;

/**
 * What in a block's code depends on where the block and the code are. Programs and libraries are loaded at random addresses:
 * with what is noted here the code for a page is copied for the next address that the page is seen at, not made again.
 */
final class Relocations {
    private int[] addresses = new int[4];
    private int count;
    private boolean fixed;
    private int[] outward;
    private int id;
    private int pageId;

    /**
     * Where a copy is going to be.
     *
     * @param host   how much further on in host memory
     * @param linear how much further on in the guest's linear addresses
     * @param id     the number of the copy
     * @param pageId {@link Mmu#holdCodePage} of its page
     * @param slot   offset from the native struct of what is compared with that
     */
    record Move(long host, long linear, int id, int pageId, int slot) {
    }

    /**
     * Notes that the immediate ending at {@code end} is {@code address}, which moves with the block. It has the long form of
     * the instruction, which takes any address, or the code can be nowhere else.
     */
    void address(int end, long address) {
        if (address == (int) address || address >>> 32 == 0) {
            fix();
            return;
        }
        if (count == addresses.length) {
            addresses = Arrays.copyOf(addresses, 2 * count);
        }
        addresses[count++] = end - Long.BYTES;
    }

    /** Notes that the code can be nowhere else. */
    void fix() {
        fixed = true;
    }

    /** Notes that the immediate ending at {@code end} is the translation's number. */
    void id(int end) {
        id = end - Integer.BYTES;
    }

    /** Notes that the displacement and immediate ending at {@code end} say where the page's number is, and what it was. */
    void pageId(int end) {
        pageId = end - Integer.BYTES;
    }

    /** Notes where displacements to host addresses are. */
    void outward(int[] displacements) {
        outward = displacements;
    }

    /** Whether the code can be had for other linear addresses. */
    boolean movable() {
        return !fixed;
    }

    /** Makes a copy of the code right for where it goes. */
    void apply(byte[] code, Move move) {
        ByteBuffer bytes = ByteBuffer.wrap(code).order(ByteOrder.LITTLE_ENDIAN);
        for (int n = 0; n < count; n++) {
            bytes.putLong(addresses[n], bytes.getLong(addresses[n]) + move.linear());
        }
        for (int at : outward) {
            bytes.putInt(at, bytes.getInt(at) - (int) move.host());
        }
        bytes.putInt(id, move.id());
        bytes.putInt(pageId, move.pageId());
        bytes.putInt(pageId - Integer.BYTES, move.slot());
    }
}
