package org.jkvm.x86.state;

/** Bits of RFLAGS (SDM vol. 1, section 3.4.3). */
public final class Rflags {
    /** Carry. */
    public static final int CF = 1;
    /** Always one. */
    public static final int RESERVED_ONE = 1 << 1;
    /** Parity. */
    public static final int PF = 1 << 2;
    /** Auxiliary carry. */
    public static final int AF = 1 << 4;
    /** Zero. */
    public static final int ZF = 1 << 6;
    /** Sign. */
    public static final int SF = 1 << 7;
    /** Trap: single step. */
    public static final int TF = 1 << 8;
    /** Interrupts enabled. */
    public static final int IF = 1 << 9;
    /** Direction: strings go down. */
    public static final int DF = 1 << 10;
    /** Overflow. */
    public static final int OF = 1 << 11;
    /** I/O privilege level, two bits. */
    public static final int IOPL = 3 << 12;
    /** Shift of the I/O privilege level. */
    public static final int IOPL_SHIFT = 12;
    /** Nested task. */
    public static final int NT = 1 << 14;
    /** Resume: no instruction breakpoint on the next instruction. */
    public static final int RF = 1 << 16;
    /** Virtual-8086 mode. */
    public static final int VM = 1 << 17;
    /** Alignment check, and SMAP override. */
    public static final int AC = 1 << 18;
    /** Virtual interrupt flag. */
    public static final int VIF = 1 << 19;
    /** Virtual interrupt pending. */
    public static final int VIP = 1 << 20;
    /** CPUID can be used. */
    public static final int ID = 1 << 21;
    /** The six arithmetic flags. */
    public static final int ARITHMETIC = CF | PF | AF | ZF | SF | OF;
    /** Every flag that exists. */
    public static final int ALL = ARITHMETIC | TF | IF | DF | IOPL | NT | RF | VM | AC | VIF | VIP | ID;

    private Rflags() {
    }
}
