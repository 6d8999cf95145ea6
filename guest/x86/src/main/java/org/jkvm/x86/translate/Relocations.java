package org.jkvm.x86.translate;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What in a block's code depends on where the block and the code are. Programs and libraries are loaded at random addresses,
 * and several vCPUs execute the same: with what is noted here the code for a page is copied for the next address that the page
 * is seen at, and for the next vCPU, not made again.
 */
final class Relocations {
    private int[] addresses = new int[4];
    private int count;
    private List<Entry> entries = List.of();
    private int[] entryFields = {};
    private boolean fixed;
    private int[] outward;
    private int id;
    private final int[] guards = new int[2];
    private int guardCount;

    /**
     * Where a copy is going to be.
     *
     * @param host   how much further on in host memory
     * @param stubs  how much further on the stubs are there
     * @param linear how much further on in the guest's linear addresses
     * @param block  linear address of the block there
     * @param id     the number of the copy
     * @param guards of its pages, as many as the code has
     */
    record Move(long host, long stubs, long linear, long block, int id, List<Guard> guards) {
    }

    /**
     * A field of the soft TLB's entry for an address that moves with the block.
     *
     * @param set      number of the TLB
     * @param distance of the address from the block's
     * @param field    offset in the entry
     */
    record Entry(int set, long distance, int field) {
        private int offset(long block) {
            return MemoryCode.entryOffset(set, block + distance) + field;
        }
    }

    /**
     * A comparison that finds out whether a page is where it was.
     *
     * @param slot   offset from the native struct of the number of the page that is there now
     * @param pageId {@link org.jkvm.x86.mmu.Mmu#holdCodePage} of the page that should be
     */
    record Guard(int slot, int pageId) {
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

    /** Notes that the displacement ending at {@code end} is {@code entry}. */
    void entry(int end, Entry entry) {
        if (entries.isEmpty()) {
            entries = new ArrayList<>(4);
        }
        entryFields = Arrays.copyOf(entryFields, entries.size() + 1);
        entryFields[entries.size()] = end - Integer.BYTES;
        entries.add(entry);
    }

    /** Notes that the code can be nowhere else. */
    void fix() {
        fixed = true;
    }

    /** Notes that the immediate ending at {@code end} is the translation's number. */
    void id(int end) {
        id = end - Integer.BYTES;
    }

    /** Notes that the displacement and immediate ending at {@code end} are those of a {@link Guard}. */
    void guard(int end) {
        guards[guardCount++] = end - 2 * Integer.BYTES;
    }

    /** Notes where displacements to host addresses are. */
    void outward(int[] displacements) {
        outward = displacements;
    }

    /** How many addresses and entries were noted so far. */
    int noted() {
        return count + entries.size();
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
        for (int n = 0; n < entryFields.length; n++) {
            bytes.putInt(entryFields[n], entries.get(n).offset(move.block()));
        }
        for (int at : outward) {
            bytes.putInt(at, bytes.getInt(at) - (int) (move.host() - move.stubs()));
        }
        bytes.putInt(id, move.id());
        for (int n = 0; n < guardCount; n++) {
            bytes.putInt(guards[n], move.guards().get(n).slot());
            bytes.putInt(guards[n] + Integer.BYTES, move.guards().get(n).pageId());
        }
    }
}
