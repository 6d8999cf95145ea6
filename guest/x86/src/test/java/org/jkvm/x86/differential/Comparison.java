package org.jkvm.x86.differential;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.jkvm.x64.HostCpu;
import org.jkvm.x64.HostRegisters;

/** Says where the guest's registers differ from the host's, leaving out what is undefined. */
final class Comparison {
    private static final String[] GENERAL = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
        "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};

    private final HostRegisters host;
    private final HostRegisters guest;
    private final List<String> differences = new ArrayList<>();

    /** Compares two blocks again and again. */
    Comparison(HostRegisters host, HostRegisters guest) {
        this.host = host;
        this.guest = guest;
    }

    /**
     * Compares.
     *
     * @return the differences, for the caller to add to, until the next call; empty where both agree
     */
    List<String> differences(Candidate c, long undefinedFlags, int bits) {
        differences.clear();
        long mask = bits == 64 ? -1L : 0xffff_ffffL; // 16-bit code has 32-bit registers too.
        for (int n = 0; n < (bits == 64 ? 16 : 8); n++) {
            check(GENERAL[n], host.general(n) & mask, guest.general(n) & mask);
        }
        long flags = HostCpu.INPUT_FLAGS & ~undefinedFlags;
        check("rflags", host.rflags() & flags, guest.rflags() & flags);
        if (c.usesVectors()) {
            vectors(~Undefined.status(c));
        }
        return differences;
    }

    private void vectors(int status) {
        check("fcw", host.controlWord(), guest.controlWord());
        check("fsw", host.statusWord() & status, guest.statusWord() & status);
        check("ftw", tags(host), tags(guest));
        check("mxcsr", host.mxcsr(), guest.mxcsr());
        long end = HostRegisters.XMM + 16 * 16;
        for (int n = 0; n < 16; n++) {
            check("ymm" + n + " high", host.upper(n, 1), guest.upper(n, 1));
            check("ymm" + n + " low", host.upper(n, 0), guest.upper(n, 0));
        }
        if (MemorySegment.mismatch(host.fx(), HostRegisters.ST, end, guest.fx(), HostRegisters.ST, end) >= 0) {
            vectorRegisters();
        }
    }

    private void vectorRegisters() {
        for (int n = 0; n < 16; n++) {
            check("xmm" + n + " high", host.xmm(n, 1), guest.xmm(n, 1));
            check("xmm" + n + " low", host.xmm(n, 0), guest.xmm(n, 0));
        }
        for (int n = 0; n < 8; n++) {
            check("st" + n + " exponent", host.signExponent(n), guest.signExponent(n));
            check("st" + n + " significand", host.significand(n), guest.significand(n));
        }
    }

    private static int tags(HostRegisters registers) {
        return registers.fx().get(ValueLayout.JAVA_BYTE, HostRegisters.FTW) & 0xff;
    }

    private void check(String name, long expected, long found) {
        if (expected != found) {
            differences.add("%s: host %x, guest %x".formatted(name, expected, found));
        }
    }

    /** A block of registers as text, for reports. */
    static String describe(HostRegisters r) {
        StringBuilder text = new StringBuilder("rflags=%x".formatted(r.rflags()));
        for (int n = 0; n < 16; n++) {
            text.append(" %s=%x".formatted(GENERAL[n], r.general(n)));
        }
        return text.toString();
    }

    /** x87, MMX and SSE registers as text, for reports. */
    static String describeVectors(HostRegisters r) {
        StringBuilder text = new StringBuilder("fcw=%x fsw=%x ftw=%x mxcsr=%x".formatted(r.controlWord(), r.statusWord(),
                tags(r), r.mxcsr()));
        for (int n = 0; n < 8; n++) {
            text.append(" st%d=%04x.%016x".formatted(n, r.signExponent(n), r.significand(n)));
        }
        for (int n = 0; n < 16; n++) {
            text.append(" ymm%d=%016x.%016x.%016x.%016x".formatted(n, r.upper(n, 1), r.upper(n, 0), r.xmm(n, 1),
                    r.xmm(n, 0)));
        }
        return text.toString();
    }
}
