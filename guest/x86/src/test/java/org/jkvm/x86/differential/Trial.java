package org.jkvm.x86.differential;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jkvm.x64.HostCpu;
import org.jkvm.x64.HostRegisters;
import org.jkvm.x86.Vector;
import org.jkvm.x86.cpuid.CpuidTable;
import org.jkvm.x86.isa.Row;

/** Runs one form of one row on the host CPU and in an executor of guests, with random registers and memory. */
final class Trial implements AutoCloseable {
    private static final int CASES_AN_ENCODING = 8;
    private static final int ATTEMPTS = 400;
    private static final int MAX_REPORTS = 2;
    /** A memory operand and what stands around it, for comparing after each case. */
    private static final int WINDOW = 0x800;

    /** Which bits of MXCSR there are is the processor's own; AMD's have one more than Intel's (SDM vol. 1, table 10-2). */
    private static final int MXCSR_MASK = 28;
    private static final int MXCSR_BITS = 0xffff;

    private final int bits;
    private final Arena arena = Arena.ofConfined();
    private final HostCpu host;
    private final GuestSide guest;
    private final HostRegisters guestAfter;
    private final Comparison comparison;
    private boolean lastFault;
    private long executed;

    /** What became of one form. */
    record Result(int cases, int faults, int failures, List<String> reports) {
    }

    /**
     * A pair of processors in code of {@code bits} bits, 16, 32 or 64, with the host's {@code features}; the guest's instructions
     * are {@code translated} or interpreted.
     */
    Trial(int bits, CpuidTable features, boolean translated) {
        this.bits = bits;
        host = new HostCpu(mode(bits));
        guest = new GuestSide(bits, host, features, translated);
        guestAfter = HostRegisters.allocate(arena);
        comparison = new Comparison(host.after(), guestAfter);
    }

    /** How the host executes code of {@code bits} bits. */
    static HostCpu.Mode mode(int bits) {
        return switch (bits) {
            case 64 -> HostCpu.Mode.LONG_64;
            case 32 -> HostCpu.Mode.PROTECTED_32;
            default -> HostCpu.Mode.PROTECTED_16;
        };
    }

    /** Cases so far. */
    long executed() {
        return executed;
    }

    /** Runs {@code cases} cases, or none where the row has no such form. */
    Result run(Row row, Form form, int cases, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        CandidateMaker maker = new CandidateMaker(random, host.instructionPointer());
        CaseFiller filler = new CaseFiller(random, host);
        List<String> reports = new ArrayList<>();
        int done = 0;
        int faults = 0;
        int failures = 0;
        for (int attempt = 0; attempt < ATTEMPTS && done < cases; attempt++) {
            long target = filler.pickTarget();
            Candidate c = maker.make(row, form, target - host.dataBase(), host.branchTarget());
            if (c == null || !filler.steerable(c, target)) {
                continue;
            }
            host.load(c.bytes());
            for (int n = 0; n < CASES_AN_ENCODING; n++, done++) {
                List<String> differences = compare(c, filler.fill(c, target), filler);
                faults += lastFault ? 1 : 0;
                if (!differences.isEmpty() && failures++ < MAX_REPORTS) {
                    reports.add(report(c, differences, seed));
                }
            }
        }
        if (host.memory().mismatch(guest.memory()) >= 0) {
            failures++;
            reports.add(row + ": memory differs somewhere at " + host.memory().mismatch(guest.memory()));
            guest.memory().copyFrom(host.memory());
        }
        executed += done;
        return new Result(done, faults, failures, reports);
    }

    private List<String> compare(Candidate c, long target, CaseFiller filler) {
        boolean vectors = c.usesVectors();
        guest.load(host.before());
        if (vectors) {
            guest.loadVectors(host.before());
        }
        long[] windows = {window(target), window(filler.secondTarget()), window(host.stackPointer() + host.dataBase())};
        for (long window : windows) {
            copyToGuest(window);
        }
        if (Undefined.alignment(c, target)) {
            return List.of();
        }
        HostCpu.Exit exit = host.run();
        int vector = guest.run(host.instructionPointer(), c.insn());
        if (savesMxcsr(c) && exit == HostCpu.Exit.FELL_THROUGH) {
            host.memory().set(ValueLayout.JAVA_INT_UNALIGNED, target - host.memory().address() + MXCSR_MASK, MXCSR_BITS);
        }
        guest.store(guestAfter);
        if (vectors) {
            guest.storeVectors(guestAfter);
        }
        lastFault = exit == HostCpu.Exit.FAULTED;
        List<String> differences = comparison.differences(c, Undefined.flags(c, host.before()), bits);
        leaving(exit, vector, c, differences);
        for (long window : windows) {
            compareMemory(window, differences);
        }
        return differences;
    }

    private boolean savesMxcsr(Candidate c) {
        long components = host.before().general(0);
        return switch (c.row().mnemonic()) {
            case "FXSAVE" -> true;
            case "XSAVE" -> (components & 6) != 0;
            case "XSAVEC" -> (components & 2) != 0;
            default -> false;
        };
    }

    private long window(long address) {
        return address - host.memory().address() - WINDOW / 2;
    }

    private void leaving(HostCpu.Exit exit, int vector, Candidate c, List<String> differences) {
        if (exit == HostCpu.Exit.FAULTED && vector == GuestSide.NO_FAULT && branchedAway()) {
            return;
        }
        int hostVector = exit == HostCpu.Exit.FAULTED ? host.fault().vector() : GuestSide.NO_FAULT;
        if (hostVector != vector && !bothMisaligned(hostVector, vector, c)) {
            differences.addFirst("vector: host %d, guest %d".formatted(hostVector, vector));
            return;
        }
        long expected = switch (exit) {
            case FELL_THROUGH -> host.instructionPointer() + c.bytes().length;
            case BRANCHED -> host.branchTarget();
            case FAULTED -> guest.rip();
        };
        if (expected != guest.rip()) {
            differences.addFirst("rip: host %x, guest %x".formatted(expected, guest.rip()));
        }
    }

    /** An SSE operand that is misaligned and beyond the stack segment's limit: #GP or #SS, as the processor likes. */
    private boolean bothMisaligned(int hostVector, int vector, Candidate c) {
        return host.dataBase() != 0 && c.usesVectors() && hostVector == Vector.GP && vector == Vector.SS;
    }

    /** A branch to unmapped memory: the host faults when it fetches from there, which the interpreter was not asked to. */
    private boolean branchedAway() {
        HostCpu.Fault fault = host.fault();
        return fault.vector() == Vector.PF && fault.rip() == fault.address() && fault.rip() == guest.rip();
    }

    private void copyToGuest(long window) {
        MemorySegment.copy(host.memory(), window, guest.memory(), window, WINDOW);
    }

    private void compareMemory(long window, List<String> differences) {
        long at = MemorySegment.mismatch(host.memory(), window, window + WINDOW, guest.memory(), window, window + WINDOW);
        if (at >= 0) {
            differences.add("memory at %x: host %02x, guest %02x".formatted(host.memory().address() + window + at,
                    host.memory().get(ValueLayout.JAVA_BYTE, window + at),
                    guest.memory().get(ValueLayout.JAVA_BYTE, window + at)));
            copyToGuest(window);
        }
    }

    private String report(Candidate c, List<String> differences, long seed) {
        boolean vectors = differences.stream().anyMatch(d -> d.matches("([xy]mm|st\\d|fsw|fcw|ftw|mxcsr|memory).*"));
        return "%s seed %d%n    %s%n    before %s%s".formatted(c, seed,
                String.join("; ", differences.subList(0, Math.min(4, differences.size()))),
                Comparison.describe(host.before()), vectors ? "\n    " + Comparison.describeVectors(host.before()) : "");
    }

    @Override
    public void close() {
        guest.close();
        host.close();
        arena.close();
    }
}
