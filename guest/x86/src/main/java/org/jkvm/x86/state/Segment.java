package org.jkvm.x86.state;

/** Numbers of the segment registers and bits of their access word, as in {@link CpuState#SEGMENTS}. */
public final class Segment {
    /** Extra segment. */
    public static final int ES = 0;
    /** Code segment. */
    public static final int CS = 1;
    /** Stack segment. */
    public static final int SS = 2;
    /** Data segment. */
    public static final int DS = 3;
    /** FS. */
    public static final int FS = 4;
    /** GS. */
    public static final int GS = 5;
    /** Task register. */
    public static final int TR = 6;
    /** Local descriptor table register. */
    public static final int LDTR = 7;
    /** No segment: 64-bit mode without FS or GS. */
    public static final int NONE = -1;

    /** In real mode a segment's base is its selector, moved by this (SDM vol. 3B, section 20.1.1). */
    public static final int PARAGRAPH_SHIFT = 4;

    /** Access word, type: accessed. */
    public static final int ACCESSED = 1;
    /** Access word, type: writable data, or readable code. */
    public static final int READ_WRITE = 1 << 1;
    /** Access word, type: expand-down data, or conforming code. */
    public static final int DOWN_CONFORMING = 1 << 2;
    /** Access word, type: code. */
    public static final int CODE = 1 << 3;
    /** Access word: code or data, not a system descriptor. */
    public static final int CODE_OR_DATA = 1 << 4;
    /** Access word: shift of the privilege level. */
    public static final int DPL_SHIFT = 5;
    /** Access word: present. */
    public static final int PRESENT = 1 << 7;
    /** Access word: available to software. */
    public static final int AVL = 1 << 12;
    /** Access word: 64-bit code. */
    public static final int LONG = 1 << 13;
    /** Access word: default size is 32 bits; big stack. */
    public static final int BIG = 1 << 14;
    /** Access word: limit counts pages. */
    public static final int GRANULAR = 1 << 15;
    /** Access word: null, unusable. */
    public static final int UNUSABLE = 1 << 16;

    private Segment() {
    }

    /** The privilege level in an access word. */
    public static int dpl(int access) {
        return access >>> DPL_SHIFT & 3;
    }
}
