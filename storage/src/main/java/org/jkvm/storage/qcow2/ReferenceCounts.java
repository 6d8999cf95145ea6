package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/**
 * How often each host cluster is referred to: pages of counters where there is something to count. A hostile image can
 * refer to few clusters all over a sparse file; how many pages there may be depends on this JVM's memory.
 */
final class ReferenceCounts {
    private static final int PAGE_BITS = 8;
    /** Clusters that share a page: those from a multiple of it on. */
    static final int PAGE = 1 << PAGE_BITS;
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
        add(cluster, 1, times);
    }

    /** The same for {@code clusters} of them, from number {@code first} on. */
    void add(long first, long clusters, int times) throws IOException {
        int[] page = last;
        for (long cluster = first; cluster < first + clusters; cluster++) {
            int index = (int) cluster & PAGE - 1;
            if (index == 0 || cluster == first) {
                page = madePage(cluster >>> PAGE_BITS);
            }
            page[index] = sum(page[index], times);
        }
        end = Math.max(end, first + clusters);
    }

    private int[] madePage(long number) throws IOException {
        int[] page = page(number);
        if (page == null) {
            if (pages.size() >= maxPages) {
                throw new IOException("the image's clusters lie too scattered to be checked in this much memory (-Xmx)");
            }
            page = new int[PAGE];
            pages.put(number, page);
            last = page;
        }
        return page;
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
        return page == null ? 0 : page[(int) cluster & PAGE - 1];
    }

    /**
     * Notes, when all references are counted, whether the image's own count of a cluster that is referred to is one. Asked for
     * in any order it costs nothing here, where the image's tables would have to be read again and again.
     */
    void setSingle(long cluster, boolean single) {
        if (get(cluster) != 0) {
            page(cluster >>> PAGE_BITS)[(int) cluster & PAGE - 1] = get(cluster) | (single ? SINGLE : 0);
        }
    }

    boolean single(long cluster) {
        return (counter(cluster) & SINGLE) != 0;
    }

    /**
     * How often each of {@code clusters} clusters of one page from number {@code first} on is referred to, or -1 where that
     * differs.
     */
    int common(long first, int clusters) {
        int[] page = page(first >>> PAGE_BITS);
        if (page == null) {
            return 0;
        }
        int from = (int) first & PAGE - 1;
        int common = page[from];
        for (int i = from + 1; i < from + clusters; i++) {
            if (page[i] != common) {
                return -1;
            }
        }
        return common & ~SINGLE;
    }

    /** As {@link #setSingle(long, boolean)}, for clusters that have a count above zero in {@link #common}. */
    void setSingle(long first, int clusters, boolean single) {
        int from = (int) first & PAGE - 1;
        Arrays.fill(page(first >>> PAGE_BITS), from, from + clusters, get(first) | (single ? SINGLE : 0));
    }

    /** Whether {@link #single(long)} says {@code single} of all of {@code clusters} clusters from number {@code first} on. */
    boolean allSingle(boolean single, long first, long clusters) {
        int[] page = last;
        for (long cluster = first; cluster < first + clusters; cluster++) {
            int index = (int) cluster & PAGE - 1;
            if (index == 0 || cluster == first) {
                page = page(cluster >>> PAGE_BITS);
            }
            if ((page != null && page[index] < 0) != single) {
                return false;
            }
        }
        return true;
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
            int[] counters = page.getValue();
            for (int i = 0; i < counters.length; i++) {
                if (counters[i] != 0) {
                    visitor.visit((page.getKey() << PAGE_BITS) + i);
                }
            }
        }
    }

    /** Visits the first cluster of every page in which something is referred to, in order. */
    void forEachPage(Visitor visitor) throws IOException {
        for (long page : pages.keySet()) {
            visitor.visit(page << PAGE_BITS);
        }
    }
}
