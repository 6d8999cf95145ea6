package org.jkvm.devices.virtio.blk;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jkvm.base.backend.BlockDevice;
import org.jkvm.base.backend.Pieces;
import org.jkvm.devices.virtio.Segments;

/**
 * The reads and writes of one visit to a queue. Small ones that are neighbours on the disk go there as one request, since
 * each has its price beside that of its bytes; large ones go each for itself, since the disk does several at once. With
 * the bus lock held.
 */
final class Batch {
    /** Beyond that a request gains nothing from company. */
    private static final long MOST_BYTES = 128 << 10;
    private static final int MOST_PIECES = 128;
    private static final Comparator<BlkRequest> BY_PLACE =
            Comparator.comparing(BlkRequest::isRead).thenComparingLong(BlkRequest::position);

    private final BlockDevice disk;
    private final boolean merges;
    private final List<BlkRequest> waiting = new ArrayList<>();

    Batch(BlockDevice disk, boolean merges) {
        this.disk = disk;
        this.merges = merges;
    }

    /** Takes on a request whose direction, position and data are valid. */
    void add(BlkRequest request) {
        waiting.add(request);
    }

    /** Hands everything to the disk. */
    void send() {
        if (merges && waiting.size() > 1) {
            waiting.sort(BY_PLACE);
        }
        for (int first = 0, end; first < waiting.size(); first = end) {
            end = merges ? runFrom(first) : first + 1;
            send(waiting.subList(first, end));
        }
        waiting.clear();
    }

    /** The end of the run of neighbours that begins at {@code first}. */
    private int runFrom(int first) {
        int end = first + 1;
        long bytes = waiting.get(first).data().length();
        int pieces = waiting.get(first).data().count();
        while (end < waiting.size() && follows(waiting.get(end - 1), waiting.get(end))) {
            bytes += waiting.get(end).data().length();
            pieces += waiting.get(end).data().count();
            if (bytes > MOST_BYTES || pieces > MOST_PIECES) {
                break;
            }
            end++;
        }
        return end;
    }

    private static boolean follows(BlkRequest a, BlkRequest b) {
        return a.isRead() == b.isRead() && a.position() + a.data().length() == b.position();
    }

    private void send(List<BlkRequest> run) {
        if (run.size() == 1) {
            alone(run.getFirst());
            return;
        }
        List<BlkRequest> together = List.copyOf(run);
        transfer(together).whenComplete((_, failure) -> {
            if (failure == null) {
                together.forEach(request -> request.accept(null, null));
            } else {
                // Only some of them may be at fault: each gets an answer of its own.
                together.forEach(this::alone);
            }
        });
    }

    private void alone(BlkRequest request) {
        transfer(List.of(request)).whenComplete(request);
    }

    private CompletableFuture<Void> transfer(List<BlkRequest> run) {
        BlkRequest first = run.getFirst();
        Pieces pieces = pieces(run);
        return first.isRead() ? disk.read(first.position(), pieces) : disk.write(first.position(), pieces);
    }

    private static Pieces pieces(List<BlkRequest> run) {
        List<MemorySegment> pieces = new ArrayList<>();
        for (BlkRequest request : run) {
            Segments data = request.data();
            for (int i = 0; i < data.count(); i++) {
                pieces.add(data.segment(i));
            }
        }
        return Pieces.of(pieces);
    }
}
