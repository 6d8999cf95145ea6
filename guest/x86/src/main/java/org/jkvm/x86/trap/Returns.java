package org.jkvm.x86.trap;

import static org.jkvm.linux.RawMemory.putInt;
import static org.jkvm.linux.RawMemory.putLong;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Segment;

/**
 * What IRET of 64-bit code to 64-bit code loaded before, in the native struct: by the two selectors and what the descriptor
 * table had for them. Where generated code finds the same again it loads the same, and need not know what makes it right. An
 * entry for each of four groups of stack selectors.
 */
public final class Returns {
    /** Which bits of the stack's selector say which entry, and how far these are shifted for its offset. */
    public static final int INDEX_MASK = 0x18;
    /** See {@link #INDEX_MASK}. */
    public static final int INDEX_SHIFT = 3;
    /** Offset in an entry of the complement of both selectors: CS in bits 15:0, SS in bits 31:16; 8 bytes. */
    public static final int SELECTORS = 0;
    /** Offset of the code descriptor, as it stands in the table once the segment was loaded. */
    public static final int CODE = 8;
    /** Offset of the stack's descriptor, or of zero where the stack's selector is null. */
    public static final int STACK = 16;
    /** Offset of what CS gets: limit 4, access 4, then base 8. */
    public static final int CODE_LOADED = 24;
    /** Offset of what SS gets, likewise. */
    public static final int STACK_LOADED = 40;
    private static final int LOCAL = 4;
    private static final long ACCESSED = 1L << 40;

    private Returns() {
    }

    /** Remembers what CS and SS, just loaded from {@code code} and {@code stack} (null for a null selector), are. */
    static void note(X86Cpu cpu, Descriptor code, Descriptor stack) {
        int cs = cpu.segments.selector(Segment.CS);
        int ss = cpu.segments.selector(Segment.SS);
        int level = cs & 3;
        if (((cs | ss) & LOCAL) != 0 || level != 0 && level != 3) {
            return;
        }
        long entry = cpu.st + CpuState.RETURNS + ((long) (ss & INDEX_MASK) << INDEX_SHIFT);
        putLong(entry + SELECTORS, ~((long) ss << 16 | cs));
        putLong(entry + CODE, code.raw() | ACCESSED);
        putLong(entry + STACK, stack == null ? 0 : stack.raw() | ACCESSED);
        load(cpu, Segment.CS, entry + CODE_LOADED);
        load(cpu, Segment.SS, entry + STACK_LOADED);
    }

    private static void load(X86Cpu cpu, int segment, long to) {
        putInt(to, (int) cpu.segments.limit(segment));
        putInt(to + 4, cpu.segments.access(segment));
        putLong(to + 8, cpu.segments.base(segment));
    }
}
