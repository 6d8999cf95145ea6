package org.jkvm.soft;

import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Which guest physical pages vCPUs have decoded code from, so that a write by a device or another vCPU reaches those who
 * keep it (SDM vol. 3A, section 8.1.3). Any thread.
 *
 * <p>Most pages of code are written before they are executed, and by one vCPU: who has nothing to do with a page is not
 * disturbed. Whoever looks at memory or at the other's mark here has made its own mark seen before.
 */
final class CodePages {
    /** The vCPUs that keep code from a page, by its number: at least one. */
    private final ConcurrentHashMap<Long, List<SoftVcpu>> pages = new ConcurrentHashMap<>();
    private final List<SoftVcpu> vcpus = new CopyOnWriteArrayList<>();

    /** Addresses of pages would meet in few of a hash map's bins. */
    private static Long number(long page) {
        return page >>> 12;
    }

    void add(SoftVcpu vcpu) {
        vcpus.add(vcpu);
    }

    boolean holds(long page) {
        return pages.containsKey(number(page));
    }

    /**
     * A vCPU is about to decode from {@code page}. Others may still write it through their TLBs: they drop those entries
     * at their next block boundary, and tell of what they may have written meanwhile.
     */
    void decoding(long page, SoftVcpu by) {
        List<SoftVcpu> keepers = pages.merge(number(page), List.of(by), CodePages::joined);
        VarHandle.fullFence();
        if (keepers.size() == 1) {
            for (SoftVcpu v : vcpus) {
                if (v != by && v.mayWrite(page)) {
                    v.protect(page);
                }
            }
        }
    }

    private static List<SoftVcpu> joined(List<SoftVcpu> some, List<SoftVcpu> more) {
        List<SoftVcpu> all = new ArrayList<>(some);
        all.addAll(more);
        return List.copyOf(all);
    }

    /** A vCPU keeps no code from {@code page} any more. */
    void forgetting(long page, SoftVcpu by) {
        if (pages.remove(number(page), List.of(by))) {
            return;
        }
        pages.computeIfPresent(number(page), (key, keepers) -> {
            List<SoftVcpu> others = keepers.stream().filter(v -> v != by).toList();
            return others.isEmpty() ? null : others;
        });
    }

    /** Bytes were written by {@code by}, or by a device where that is null. */
    void written(long address, long length, SoftVcpu by) {
        VarHandle.fullFence();
        for (long page = address & -4096L; page < address + length; page += 4096) {
            List<SoftVcpu> keepers = pages.get(number(page));
            if (keepers != null) {
                int from = (int) Math.max(0, address - page);
                int to = (int) Math.min(4096, address + length - page);
                for (SoftVcpu v : keepers) {
                    if (v != by) {
                        v.codeWritten(page + from, to - from);
                    }
                }
            }
        }
    }
}
