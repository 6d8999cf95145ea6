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
    /** In a counter: the image counts one reference. */
    private static final int SINGLE = Integer.MIN_VALUE;
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
        page[index] = sum(page[index], times);
        end = Math.max(end, cluster + 1);
    }

    /** The sum of two counts, which stops at the greatest int. */
    static int sum(int one, int other) {
        return (int) Math.min(Integer.MAX_VALUE, (long) one + other);
    }

    int get(long cluster) {
        return counter(cluster) & ~SINGLE;
    }

    private int counter(long cluster) {
        int[] page = page(cluster >>> PAGE_BITS);
        return page == null ? 0 : page[(int) cluster & page.length - 1];
    }

    /**
     * Notes, when all references are counted, whether the image's own count of a cluster that is referred to is one. Asked for
     * in any order it costs nothing here, where the image's tables would have to be read again and again.
     */
    void setSingle(long cluster, boolean single) {
        if (get(cluster) != 0) {
            page(cluster >>> PAGE_BITS)[(int) cluster & (1 << PAGE_BITS) - 1] = get(cluster) | (single ? SINGLE : 0);
        }
    }

    boolean single(long cluster) {
        return (counter(cluster) & SINGLE) != 0;
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
