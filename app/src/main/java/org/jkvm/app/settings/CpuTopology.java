package org.jkvm.app.settings;

import org.jkvm.app.cli.OptionList;

/**
 * How many processors there are, and how they are grouped.
 *
 * @param cpus    all of them
 * @param sockets packages
 * @param cores   in a package
 * @param threads in a core
 */
public record CpuTopology(int cpus, int sockets, int cores, int threads) {
    /** One processor. */
    static final CpuTopology ONE = new CpuTopology(1, 1, 1, 1);
    private static final int MAX = 255;

    /** Reads {@code -smp}; what is left out is derived, cores before sockets. */
    static CpuTopology parse(String text) {
        OptionList list = OptionList.parse("-smp", text, "cpus");
        int cpus = part(list, "cpus");
        int sockets = part(list, "sockets");
        int cores = part(list, "cores");
        int threads = Math.max(1, part(list, "threads"));
        int maxcpus = part(list, "maxcpus");
        list.end();
        if (cpus == 0) {
            cpus = Math.max(1, sockets) * Math.max(1, cores) * threads;
        }
        if (cores == 0) {
            cores = sockets == 0 ? cpus / threads : cpus / (sockets * threads);
        }
        if (sockets == 0) {
            sockets = cpus / Math.max(1, cores * threads);
        }
        if (sockets * cores * threads != cpus || cpus > MAX) {
            throw list.refuse("sockets * cores * threads must be cpus, 1 to " + MAX);
        }
        if (maxcpus != 0 && maxcpus != cpus) {
            throw list.refuse("processors can't be added to a running machine yet: maxcpus must be " + cpus);
        }
        return new CpuTopology(cpus, sockets, cores, threads);
    }

    private static int part(OptionList list, String key) {
        return (int) list.number(key, 0, 1, MAX);
    }
}
