package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;

/**
 * How often each host cluster is referred to: pages of counters where there is something to count. A hostile image can
 * refer to few clusters all over a sparse file; how many pages there may be depends on this JVM's memory.
 */
final class ReferenceCounts {
    private static final int PAGE_BITS = 8;
    private static final int PAGE_BYTES = (Integer.BYTES << PAGE_BITS) + 100;

    private final TreeMap<Long, int[]> pages = new TreeMap<>();
    private final long maxPages = Runtime.getRuntime().maxMemory() / 4 / PAGE_BYTES;
    private long lastNumber;
    private int[] last;
    private long end;

    /** Something to be done with a cluster. */
    interface Visitor {
        void visit(long cluster) throws IOException;
    }

    /** Counts {@code times} more references to {@code cluster}; a count stops at the greatest int. */
    void add(long cluster, int times) throws IOException {
        int[] page = page(cluster >>> PAGE_BITS);
        if (page == null) {
            if (pages.size() >= maxPages) {
                throw new IOException("the image's clusters lie too scattered to be checked in this much memory (-Xmx)");
            }
            page = new int[1 << PAGE_BITS];
            pages.put(cluster >>> PAGE_BITS, page);
        }
        int index = (int) cluster & page.length - 1;
        page[index] = (int) Math.min(Integer.MAX_VALUE, (long) page[index] + times);
        end = Math.max(end, cluster + 1);
    }

    int get(long cluster) {
        int[] page = page(cluster >>> PAGE_BITS);
        return page == null ? 0 : page[(int) cluster & page.length - 1];
    }

    /** Page {@code number}, or null; neighbours are asked for one after another. */
    private int[] page(long number) {
        if (number != lastNumber || last == null) {
            last = pages.get(number);
            lastNumber = number;
        }
        return last;
    }

    /** The cluster number after the last one referred to. */
    long end() {
        return end;
    }

    /** Visits every cluster that is referred to, in order. */
    void forEach(Visitor visitor) throws IOException {
        for (Map.Entry<Long, int[]> page : pages.entrySet()) {
            for (int i = 0; i < page.getValue().length; i++) {
                if (page.getValue()[i] != 0) {
                    visitor.visit((page.getKey() << PAGE_BITS) + i);
                }
            }
        }
    }
}
