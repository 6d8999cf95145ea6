package org.jkvm.x64;

import java.util.HexFormat;

/**
 * The host's locked instructions where Java has none: operands that are not aligned, and such of 16 bytes. What generated
 * code does with locked instructions and what is done here is atomic with respect to each other. Any thread.
 */
public final class HostAtomics {
    private static final int CODE_BYTES = 0x1000;
    /** Whether this host is x86-64; elsewhere nothing may be called. */
    public static final boolean AVAILABLE = CodeCache.isHostSupported();
    private static final HostAtomics STUBS = AVAILABLE ? new HostAtomics() : null;

    private final long compareAndSet2;
    private final long compareAndSet4;
    private final long compareAndSet8;
    private final long compareAndSet16;

    private HostAtomics() {
        CodeCache cache = new CodeCache(CODE_BYTES, CodeCache.Protection.ofHost());
        String begin = "4889f0";                // mov rax, rsi
        String end = "0f94c0 0fb6c0 c3";        // sete al; movzx eax, al; ret
        compareAndSet2 = place(cache, begin + "66f00fb117" + end);      // lock cmpxchg [rdi], dx
        compareAndSet4 = place(cache, begin + "f00fb117" + end);        // lock cmpxchg [rdi], edx
        compareAndSet8 = place(cache, begin + "f0480fb117" + end);      // lock cmpxchg [rdi], rdx
        // push rbx; mov rax, rsi; mov rbx, r8; lock cmpxchg16b [rdi]; pop rbx: the high halves are in RDX and RCX already
        compareAndSet16 = place(cache, "53 4889f0 4c89c3 f0480fc70f 5b" + end);
    }

    private static long place(CodeCache cache, String hex) {
        return cache.place(HexFormat.of().parseHex(hex.replace(" ", "")));
    }

    /**
     * Compares and sets {@code size} (2, 4, 8) bytes at any host address. Across cache lines it locks the bus.
     *
     * @return whether {@code expected} was found
     */
    public static boolean compareAndSet(long address, int size, long expected, long value) {
        long stub = switch (size) {
            case 2 -> STUBS.compareAndSet2;
            case 4 -> STUBS.compareAndSet4;
            case 8 -> STUBS.compareAndSet8;
            default -> throw new IllegalArgumentException("size " + size + ": 2, 4 or 8");
        };
        return CodeCache.enter(stub, address, expected, value, 0, 0) != 0;
    }

    /**
     * Compares and sets 16 bytes at a host address that is a multiple of 16.
     *
     * @return whether the expected bytes were found
     */
    public static boolean compareAndSet16(long address, long expectedLow, long expectedHigh, long low, long high) {
        if ((address & 15) != 0) {
            throw new IllegalArgumentException("0x%x is not a multiple of 16".formatted(address));
        }
        return CodeCache.enter(STUBS.compareAndSet16, address, expectedLow, expectedHigh, high, low) != 0;
    }
}
