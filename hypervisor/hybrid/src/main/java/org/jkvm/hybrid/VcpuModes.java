package org.jkvm.hybrid;

import java.util.Map;
import java.util.TreeMap;
import org.jkvm.hypervisor.VmExit;

/** What one vCPU's time went into, and its exits by reason. Counted on its thread; read from any. */
public final class VcpuModes {
    private static final String[] REASONS = {"port read", "port write", "MMIO read", "MMIO write", "halted", "shutdown", "kick",
        "debug", "failed entry", "not emulated", "internal error"};

    private final long[] exits = new long[REASONS.length];
    private long entered;
    private long left = System.nanoTime();
    private long inside;
    private long outside;

    /** The vCPU enters guest or kernel mode. */
    void entering() {
        entered = System.nanoTime();
        outside += entered - left;
    }

    /** It is back in user mode. */
    void left(VmExit exit) {
        left = System.nanoTime();
        inside += left - entered;
        exits[reason(exit)]++;
    }

    private static int reason(VmExit exit) {
        return switch (exit) {
            case VmExit.PortRead _ -> 0;
            case VmExit.PortWrite _ -> 1;
            case VmExit.MmioRead _ -> 2;
            case VmExit.MmioWrite _ -> 3;
            case VmExit.Halted _ -> 4;
            case VmExit.Shutdown _ -> 5;
            case VmExit.Interrupted _ -> 6;
            case VmExit.Debug _ -> 7;
            case VmExit.FailedEntry _ -> 8;
            case VmExit.NotEmulated _ -> 9;
            case VmExit.InternalError _ -> 10;
        };
    }

    /** Exits by reason, those that there were. */
    public Map<String, Long> exits() {
        Map<String, Long> counts = new TreeMap<>();
        for (int n = 0; n < exits.length; n++) {
            if (exits[n] != 0) {
                counts.put(REASONS[n], exits[n]);
            }
        }
        return counts;
    }

    /** Nanoseconds in guest mode, in kernel mode or halted. */
    public long insideNanos() {
        return inside;
    }

    /** Nanoseconds in user mode, or stopped. */
    public long outsideNanos() {
        return outside;
    }
}
