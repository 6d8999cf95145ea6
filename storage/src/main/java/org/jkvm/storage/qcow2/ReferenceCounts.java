package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.util.TreeMap;
import java.util.function.LongConsumer;

/** How often each host cluster is referred to: pages of counters where there is something to count. */
final class ReferenceCounts {
    private static final int PAGE_BITS = 6;
    private static final int PAGE_COST = 400;

    private final TreeMap<Long, long[]> pages = new TreeMap<>();
    private final long maxPages = Math.max(1 << 12, Runtime.getRuntime().maxMemory() / 4 / PAGE_COST);
    private long end;

    /** Counts {@code times} more references to {@code cluster}. */
    void add(long cluster, long times) throws IOException {
        long[] page = pages.get(cluster >>> PAGE_BITS);
        if (page == null) {
            if (pages.size() >= maxPages) {
                throw new IOException("the image's clusters lie too scattered to be checked in this much memory");
            }
            page = new long[1 << PAGE_BITS];
            pages.put(cluster >>> PAGE_BITS, page);
        }
        page[(int) cluster & page.length - 1] += times;
        end = Math.max(end, cluster + 1);
    }

    long get(long cluster) {
        long[] page = pages.get(cluster >>> PAGE_BITS);
        return page == null ? 0 : page[(int) cluster & page.length - 1];
    }

    /** The cluster number after the last one referred to. */
    long end() {
        return end;
    }

    /** Calls {@code each} with every cluster that is referred to, in order. */
    void forEach(LongConsumer each) {
        pages.forEach((number, page) -> {
            for (int i = 0; i < page.length; i++) {
                if (page[i] != 0) {
                    each.accept((number << PAGE_BITS) + i);
                }
            }
        });
    }
}
