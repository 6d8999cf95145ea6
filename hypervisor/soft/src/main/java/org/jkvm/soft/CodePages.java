package org.jkvm.soft;

import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Which guest physical pages any vCPU has decoded code from, so that a write by a device or another vCPU reaches those who
 * keep it (SDM vol. 3A, section 8.1.3). Any thread.
 */
final class CodePages {
    /** How many vCPUs keep code from a page. */
    private final ConcurrentHashMap<Long, Integer> pages = new ConcurrentHashMap<>();
    private final List<SoftVcpu> vcpus = new CopyOnWriteArrayList<>();

    void add(SoftVcpu vcpu) {
        vcpus.add(vcpu);
    }

    boolean holds(long page) {
        return pages.containsKey(page);
    }

    /**
     * A vCPU is about to decode from {@code page}. Others may still write it through their TLBs: they drop those entries
     * at their next block boundary, and tell the decoder of what they may have written meanwhile.
     */
    void decoding(long page, SoftVcpu by) {
        if (pages.merge(page, 1, Integer::sum) == 1) {
            others(by).forEach(other -> other.protect(page, by));
        }
    }

    /** A vCPU keeps no code from {@code page} any more. */
    void forgetting(long page) {
        pages.computeIfPresent(page, (key, count) -> count == 1 ? null : count - 1);
    }

    /** Bytes were written by {@code by}, or by a device where that is null. */
    void written(long address, long length, SoftVcpu by) {
        for (long page = address & -4096L; page < address + length; page += 4096) {
            if (holds(page)) {
                long from = Math.max(page, address);
                long to = Math.min(page + 4096, address + length);
                others(by).forEach(vcpu -> vcpu.codeWritten(from, (int) (to - from)));
            }
        }
    }

    private List<SoftVcpu> others(SoftVcpu by) {
        return by != null && vcpus.size() == 1 ? List.of() : vcpus.stream().filter(v -> v != by).toList();
    }
}
