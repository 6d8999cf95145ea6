package org.jkvm.x86.trap;

import org.jkvm.x86.state.Segment;

/**
 * A descriptor as it stands in a GDT, LDT or IDT (SDM vol. 3A, sections 3.4.5 and 6.11).
 *
 * @param raw  its eight bytes
 * @param high the next eight, for 16-byte descriptors in long mode
 */
record Descriptor(long raw, long high) {
    /** System types (SDM vol. 3A, table 3-2). */
    static final int TSS16 = 1;
    static final int LDT = 2;
    static final int TSS16_BUSY = 3;
    static final int CALL_GATE16 = 4;
    static final int TASK_GATE = 5;
    static final int INTERRUPT_GATE16 = 6;
    static final int TRAP_GATE16 = 7;
    static final int TSS32 = 9;
    static final int TSS32_BUSY = 11;
    static final int CALL_GATE32 = 12;
    static final int INTERRUPT_GATE32 = 14;
    static final int TRAP_GATE32 = 15;

    /** The access word as segment registers keep it. */
    int access() {
        return (int) (raw >>> 40 & 0xff | (raw >>> 52 & 0xf) << 12);
    }

    long base32() {
        return raw >>> 16 & 0xff_ffff | (raw >>> 56 & 0xff) << 24;
    }

    /** The base with the upper half of a 16-byte descriptor. */
    long base64() {
        return base32() | high << 32;
    }

    /** The limit in bytes. */
    int limit() {
        int limit = (int) (raw & 0xffff | raw >>> 32 & 0xf_0000);
        return (access() & Segment.GRANULAR) != 0 ? limit << 12 | 0xfff : limit;
    }

    boolean present() {
        return (access() & Segment.PRESENT) != 0;
    }

    int dpl() {
        return Segment.dpl(access());
    }

    boolean codeOrData() {
        return (access() & Segment.CODE_OR_DATA) != 0;
    }

    boolean code() {
        return codeOrData() && (access() & Segment.CODE) != 0;
    }

    boolean conforming() {
        return code() && (access() & Segment.DOWN_CONFORMING) != 0;
    }

    boolean writableData() {
        return codeOrData() && !code() && (access() & Segment.READ_WRITE) != 0;
    }

    boolean readable() {
        return codeOrData() && (!code() || (access() & Segment.READ_WRITE) != 0);
    }

    /** The system type, or -1 for code and data. */
    int systemType() {
        return codeOrData() ? -1 : access() & 15;
    }

    boolean bits32() {
        return (access() & 8) != 0;
    }

    boolean longCode() {
        return (access() & Segment.LONG) != 0;
    }

    boolean big() {
        return (access() & Segment.BIG) != 0;
    }

    int gateSelector() {
        return (int) (raw >>> 16 & 0xffff);
    }

    long gateOffset() {
        long low = raw & 0xffff;
        return bits32() ? low | raw >>> 32 & 0xffff_0000L | high << 32 : low;
    }

    int gateCount() {
        return (int) (raw >>> 32 & 0x1f);
    }

    int gateIst() {
        return (int) (raw >>> 32 & 7);
    }
}
