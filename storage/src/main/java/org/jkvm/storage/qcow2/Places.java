package org.jkvm.storage.qcow2;

import java.util.Map;
import java.util.TreeMap;

/**
 * Numbers of the host clusters where metadata lies; zero, the header's, is always among them. Long runs are kept as such: a
 * hostile image's snapshots can claim any number of clusters.
 */
final class Places {
    private static final int LONG_RUN = 64;

    private final LongSet single = new LongSet();
    /** First cluster and the one after the last; runs neither overlap nor touch. */
    private final TreeMap<Long, Long> runs = new TreeMap<>();

    boolean contains(long cluster) {
        return single.contains(cluster) || !runs.isEmpty() && runOf(cluster) != null;
    }

    void add(long cluster) {
        single.add(cluster);
    }

    /** Adds those from {@code first} to the one before {@code end}. */
    void add(long first, long end) {
        if (end - first >= LONG_RUN) {
            addRun(first, end);
            return;
        }
        for (long c = first; c < end; c++) {
            single.add(c);
        }
    }

    private void addRun(long first, long end) {
        long from = first;
        long to = end;
        Map.Entry<Long, Long> near = runs.floorEntry(to);
        while (near != null && near.getValue() >= from) {
            from = Math.min(from, near.getKey());
            to = Math.max(to, near.getValue());
            runs.remove(near.getKey());
            near = runs.floorEntry(to);
        }
        runs.put(from, to);
    }

    void remove(long cluster) {
        single.remove(cluster);
        Map.Entry<Long, Long> run = runOf(cluster);
        if (run != null) {
            runs.remove(run.getKey());
            if (run.getKey() < cluster) {
                runs.put(run.getKey(), cluster);
            }
            if (cluster + 1 < run.getValue()) {
                runs.put(cluster + 1, run.getValue());
            }
        }
    }

    private Map.Entry<Long, Long> runOf(long cluster) {
        Map.Entry<Long, Long> run = runs.floorEntry(cluster);
        return run != null && run.getValue() > cluster ? run : null;
    }
}
