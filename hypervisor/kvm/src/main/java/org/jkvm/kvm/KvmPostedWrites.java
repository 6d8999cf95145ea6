package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import org.jkvm.base.Bits;
import org.jkvm.hypervisor.PostedWrites;

/**
 * Writes that the kernel gathers rather than have a vCPU leave guest mode for each (KVM_REGISTER_COALESCED_MMIO): in a ring in the
 * memory that it shares with every vCPU. Where the ring is full, the next write is an exit. By one thread at a time.
 */
final class KvmPostedWrites {
    private static final int PAGE = 4096;
    private static final int ENTRIES = (PAGE - Abi.CoalescedRing.S.size()) / Abi.Coalesced.S.size();

    private final Handle vm;
    private final int page;
    private final boolean ports;
    /** Null without a vCPU. */
    private volatile MemorySegment ring;

    /** The ring is on page {@code page} of a vCPU's memory, 0 where the kernel has none; {@code ports}: whether of ports too. */
    KvmPostedWrites(Handle vm, int page, boolean ports) {
        this.vm = vm;
        this.page = page;
        this.ports = ports;
    }

    /** The memory that the kernel shares with the first vCPU, or null once that is gone. */
    void share(MemorySegment run) {
        ring = run == null || page == 0 ? null : run.asSlice((long) page * PAGE, PAGE);
    }

    /** Gathers writes to a range; false where the kernel can't. */
    boolean gather(long address, long size, boolean port) {
        if (page == 0 || port && !ports || size != (int) size) {
            return false;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment zone = arena.allocate(Abi.CoalescedZone.S.size(), 8);
            zone.set(JAVA_LONG, Abi.CoalescedZone.ADDR, address);
            zone.set(JAVA_INT, Abi.CoalescedZone.SIZE, (int) size);
            zone.set(JAVA_INT, Abi.CoalescedZone.PIO, port ? 1 : 0);
            return vm.attempt(Request.KVM_REGISTER_COALESCED_MMIO, zone) >= 0;
        }
    }

    /** The kernel adds at {@code last}; each entry is free again once {@code first} is behind it (virt/kvm/coalesced_mmio.c). */
    void deliver(PostedWrites to) {
        MemorySegment r = ring;
        if (r == null) {
            return;
        }
        int first = r.get(JAVA_INT, Abi.CoalescedRing.FIRST);
        while (first != r.get(JAVA_INT, Abi.CoalescedRing.LAST)) {
            VarHandle.acquireFence();
            deliver(r, Abi.CoalescedRing.S.size() + (long) first * Abi.Coalesced.S.size(), to);
            first = (first + 1) % ENTRIES;
            VarHandle.releaseFence();
            r.set(JAVA_INT, Abi.CoalescedRing.FIRST, first);
        }
    }

    private static void deliver(MemorySegment ring, long at, PostedWrites to) {
        long address = ring.get(JAVA_LONG, at + Abi.Coalesced.PHYS_ADDR);
        int size = ring.get(JAVA_INT, at + Abi.Coalesced.LEN);
        long value = ring.get(JAVA_LONG, at + Abi.Coalesced.DATA) & Bits.mask(8 * size);
        if (ring.get(JAVA_INT, at + Abi.Coalesced.PIO) != 0) {
            to.port((int) address, size, value);
        } else {
            to.mmio(address, size, value);
        }
    }
}
