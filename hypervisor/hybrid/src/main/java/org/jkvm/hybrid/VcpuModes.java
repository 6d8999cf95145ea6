package org.jkvm.hybrid;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.linux.ThreadSignals;

/**
 * What one vCPU's time went into, and its exits by reason. The kernel tells guest time, system time and user time. The software
 * engine's guest mode is user time like the devices', which is why time outside {@link HybridVcpu#run} is measured, and so is that
 * of software that helps KVM. Counted on the vCPU's thread; read from any.
 */
public final class VcpuModes {
    private static final String[] REASONS = {"port read", "port write", "MMIO read", "MMIO write", "halted", "shutdown", "kick",
        "debug", "failed entry", "not emulated", "internal error"};
    private static final int KICK = 6;
    private static final double NANOS = 1e9;

    private final long[] exits = new long[REASONS.length];
    private Engine engine;
    private int thread;
    private ThreadTimes settled = ThreadTimes.NONE;
    private long begun = -1;
    private long entered;
    private long left;
    private boolean stopped;
    /** Time in user mode since {@link #settle}. */
    private long outside;
    /** Time in guest mode by software that helps since then. */
    private long helped;
    private long guest;
    private long kernel;
    private long user;

    VcpuModes(Engine engine) {
        this.engine = engine;
    }

    /** The vCPU enters guest or kernel mode. After a kick it may have stood still: that is no time in user mode. */
    void entering() {
        entered = System.nanoTime();
        if (thread == 0) {
            begin();
        }
        outside += stopped ? 0 : entered - left;
        stopped = false;
    }

    private void begin() {
        thread = ThreadSignals.currentThread();
        settled = ThreadTimes.of(thread, ThreadTimes.NONE);
        begun = entered;
        left = entered;
    }

    /** It is back in user mode. */
    void left(VmExit exit) {
        left = System.nanoTime();
        int reason = reason(exit);
        exits[reason]++;
        if (reason == KICK) {
            stopped = true;
            settle();
        }
    }

    private static int reason(VmExit exit) {
        return switch (exit) {
            case VmExit.PortRead _ -> 0;
            case VmExit.PortWrite _ -> 1;
            case VmExit.MmioRead _ -> 2;
            case VmExit.MmioWrite _ -> 3;
            case VmExit.Halted _ -> 4;
            case VmExit.Shutdown _ -> 5;
            case VmExit.Interrupted _ -> KICK;
            case VmExit.Debug _ -> 7;
            case VmExit.FailedEntry _ -> 8;
            case VmExit.NotEmulated _ -> 9;
            case VmExit.InternalError _ -> 10;
        };
    }

    /** The software engine has run guest code for KVM. */
    void helped(long nanos) {
        helped += nanos;
    }

    /** The vCPU's thread ends: what it has spent can't be asked for any more. On that thread. */
    void ended() {
        if (thread != 0) {
            settle();
            thread = 0;
        }
    }

    /** From now on another engine runs it. */
    void become(Engine other) {
        settle();
        engine = other;
    }

    /** Books the time since the last time by mode. */
    private synchronized void settle() {
        if (thread == 0) {
            return;
        }
        ThreadTimes now = ThreadTimes.of(thread, settled);
        ThreadTimes spent = now.minus(settled);
        long ours = spent.user() - spent.guest();
        long devices = Math.min(outside, ours);
        long software = switch (engine) {
            case KVM -> Math.min(helped, ours - devices);
            case SOFT -> ours - devices;
        };
        guest += spent.guest() + software;
        kernel += spent.system() + ours - devices - software;
        user += devices;
        settled = now;
        outside = 0;
        helped = 0;
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

    /** Two lines: processor time by mode, and exits by reason with their rate. */
    synchronized String describe(int index) {
        settle();
        double seconds = begun < 0 ? 0 : (System.nanoTime() - begun) / NANOS;
        return "CPU#%d on %s: guest mode %s, kernel mode %s, user mode %s of processor time, in %.1f s%n".formatted(index,
                engine.label(), share(guest), share(kernel), share(user), seconds) + "  exits: " + exits().entrySet().stream()
                .map(e -> "%s %d (%.0f/s)".formatted(e.getKey(), e.getValue(), e.getValue() / Math.max(seconds, 1e-3)))
                .collect(Collectors.joining(", ")) + "\n";
    }

    private String share(long nanos) {
        long all = Math.max(1, guest + kernel + user);
        return "%.2f s (%d%%)".formatted(nanos / NANOS, Math.round(100.0 * nanos / all));
    }
}
