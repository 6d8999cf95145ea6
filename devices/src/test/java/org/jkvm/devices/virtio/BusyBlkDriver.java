package org.jkvm.devices.virtio;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReentrantLock;
import org.jkvm.devices.virtio.TestRing.Piece;
import org.jkvm.devices.virtio.TestRing.Used;

/**
 * A block driver that keeps up to 16 requests under way: each slot writes a pattern to a sector of its own, reads it back
 * and compares. It asks for an interrupt, looks once more, and sleeps, as drivers do.
 */
public final class BusyBlkDriver {
    private static final int SLOTS = 16;
    private static final int SECTOR = 512;
    private final ReentrantLock bus = new ReentrantLock();
    private final Semaphore interrupts = new Semaphore(0);
    private final TestDriver base;
    private final TestRing ring;
    private final MemorySegment ram;
    private final Map<Integer, Slot> underWay = new HashMap<>();
    private final ArrayDeque<Slot> ready = new ArrayDeque<>();
    private final boolean eventIndex;
    private int failures;
    private int mismatches;

    private final class Slot {
        final long header = base.memory.allocate(16, 8);
        final long data = base.memory.allocate(SECTOR, SECTOR);
        final long status = base.memory.allocate(1, 1);
        final int sector;
        int round;

        Slot(int sector) {
            this.sector = sector;
        }

        boolean writes() {
            return round % 2 == 0;
        }

        byte pattern() {
            return (byte) (sector * 31 + round / 2);
        }

        void submit() {
            base.memory.ram.writeInt(header, 4, writes() ? 1 : 0);
            base.memory.ram.writeInt(header + 8, 8, sector);
            base.memory.ram.writeInt(status, 1, 0xff);
            ram.asSlice(data, SECTOR).fill(writes() ? pattern() : 0);
            int id = ring.add(List.of(new Piece(header, 16, false), new Piece(data, SECTOR, !writes()),
                    new Piece(status, 1, true)));
            underWay.put(id, this);
        }

        void complete() {
            failures += base.memory.ram.readInt(status, 1) == 0 ? 0 : 1;
            boolean wrong = !writes() && ram.get(ValueLayout.JAVA_BYTE, data + SECTOR - 1) != pattern();
            mismatches += wrong ? 1 : 0;
            round++;
            ready.add(this);
        }
    }

    public BusyBlkDriver(VirtioDevice device, VirtioOptions options, boolean packed) {
        base = new TestDriver(device, options, this::locked, (address, data) -> interrupts.release(), TestMemory.SIZE);
        base.negotiate(base.offered());
        base.useMessages();
        ring = base.queue(0, 64, packed);
        base.common(0x1a, 2, 0);
        base.driverOk();
        ram = base.memory.ram.slice(0, TestMemory.SIZE);
        eventIndex = options.eventIdx();
        for (int i = 0; i < SLOTS; i++) {
            ready.add(new Slot(i));
        }
    }

    public int failures() {
        return failures;
    }

    public int mismatches() {
        return mismatches;
    }

    /** Makes {@code requests} requests and waits for all of them. */
    public void run(int requests) throws InterruptedException {
        int made = 0;
        for (int done = 0; done < requests; ) {
            while (made < requests && !ready.isEmpty()) {
                ready.poll().submit();
                made++;
                VarHandle.fullFence();
                bus.lock();
                base.kick(0);
                bus.unlock();
            }
            done += collect();
        }
    }

    private int collect() throws InterruptedException {
        int done = drain();
        while (done == 0) {
            askForInterrupt();
            VarHandle.fullFence();
            done = drain();
            if (done == 0) {
                interrupts.acquire();
                interrupts.drainPermits();
            }
        }
        return done;
    }

    private int drain() {
        int done = 0;
        for (Used used = ring.poll(); used != null; used = ring.poll()) {
            VarHandle.acquireFence();
            underWay.remove(used.id()).complete();
            done++;
        }
        return done;
    }

    private void askForInterrupt() {
        if (eventIndex) {
            ring.interruptAfter(0);
        } else {
            ring.interrupts(true);
        }
    }

    private void locked(Runnable work) {
        bus.lock();
        try {
            work.run();
        } finally {
            bus.unlock();
        }
    }
}
