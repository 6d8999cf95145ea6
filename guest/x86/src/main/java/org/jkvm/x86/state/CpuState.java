package org.jkvm.x86.state;

/**
 * The one layout of a vCPU's native struct: byte offsets from its start. The interpreter and generated code read and
 * write the same fields. A register operand of a decoded instruction <em>is</em> its offset here.
 */
public final class CpuState {
    /** RAX to R15, 8 bytes each, in encoding order (SDM vol. 2A, table 3-1). */
    public static final int GENERAL = 0x000;
    /** Always zero: what an absent base or index register reads. */
    public static final int ZERO = 0x080;
    /** RIP of the first instruction of the block that is being executed. */
    public static final int BLOCK_RIP = 0x088;
    /** RIP between blocks. */
    public static final int RIP = 0x090;
    /** RFLAGS. The interpreter keeps the six arithmetic flags elsewhere while it runs. */
    public static final int RFLAGS = 0x098;
    /** What other threads ask of this vCPU: bits of {@link Request}; 4 bytes, atomic. */
    public static final int REQUESTS = 0x0a0;
    /** What generated code changed that Java keeps elsewhere too: bits of {@link org.jkvm.x86.trap.Transfers}; 4 bytes. */
    public static final int TRANSFERS = 0x0ac;
    /** Scratch: 16 bytes for an operand on its way. */
    public static final int SCRATCH = 0x0b0;
    /** Zero where generated code is to leave at its next look: 4 bytes, cleared with every request. */
    public static final int RUN = 0x0a8;
    /** Arithmetic flags while generated code keeps them in memory: OF in bit 0, SF, ZF, AF, PF, CF as LAHF's AH; 2 bytes. */
    public static final int FLAGS = 0x0c0;
    /** Whether the host's vector registers hold the guest's; 1 byte. */
    public static final int VECTORS_LIVE = 0x0c2;
    /** Whether the host's x87 unit holds the guest's registers; 1 byte. */
    public static final int X87_LIVE = 0x0c3;
    /** Which translation was left, 4 bytes. */
    public static final int EXIT_BLOCK = 0x0c4;
    /** Why and where it was left, 4 bytes. */
    public static final int EXIT_REASON = 0x0c8;
    /** MXCSR of the JVM while the guest's is loaded, 4 bytes. */
    public static final int HOST_MXCSR = 0x0cc;
    /** RIP that an indirect branch goes to. */
    public static final int EXIT_TARGET = 0x0d0;
    /** RSP of the JVM while generated code runs. */
    public static final int HOST_RSP = 0x0d8;
    /** Host address where generated code is entered. */
    public static final int ENTRY = 0x0e0;
    /** A value on its way between two memory accesses of one instruction. */
    public static final int CARRIED = 0x0e8;
    /** MSR LSTAR. */
    public static final int LSTAR = 0x0f0;
    /** MSR FMASK. */
    public static final int FMASK = 0x0f8;
    /** ES, CS, SS, DS, FS, GS, TR, LDTR: {@link #SEGMENT_SIZE} bytes each. */
    public static final int SEGMENTS = 0x100;
    /** Bytes of one segment register: base 8, limit 4, access 4, selector 4. */
    public static final int SEGMENT_SIZE = 0x20;
    /** Offset of the limit in a segment register, 4 bytes. */
    public static final int LIMIT = 0x8;
    /** Offset of the access word in a segment register, 4 bytes. */
    public static final int ACCESS = 0xc;
    /** Offset of the selector in a segment register, 2 bytes. */
    public static final int SELECTOR = 0x10;
    /** CR0 to CR4, 8 bytes each; CR1 is unused. */
    public static final int CONTROL = 0x200;
    /** XCR0. */
    public static final int XCR0 = 0x228;
    /** MSR KERNEL_GS_BASE, which SWAPGS swaps with the base of GS. */
    public static final int KERNEL_GS_BASE = 0x230;
    /** MSR STAR. */
    public static final int STAR = 0x238;
    /** DR0 to DR7, 8 bytes each. */
    public static final int DEBUG = 0x240;
    /** GDTR base 8, limit 8. */
    public static final int GDTR = 0x280;
    /** IDTR base 8, limit 8. */
    public static final int IDTR = 0x290;
    /**
     * Scratch: images of two 256-bit operands, {@link #LANES_SECOND} the other one, while an instruction's 128-bit lanes are
     * computed.
     */
    public static final int LANES = 0x2a0;
    /** Scratch: the image of the second operand. */
    public static final int LANES_SECOND = 0x2c0;
    /** x87 registers R0 to R7 by physical number, 16 bytes each, 10 used; MMX registers overlay them. */
    public static final int X87 = 0x300;
    /** x87 control word, 2 bytes. */
    public static final int FCW = 0x380;
    /** x87 status word with TOP, 2 bytes. */
    public static final int FSW = 0x382;
    /** Abridged tag word: bit n is one where Rn holds a value; 1 byte. */
    public static final int FTW = 0x384;
    /** Last x87 opcode, 11 bits in 2 bytes. */
    public static final int FOP = 0x386;
    /** Last x87 instruction: offset 8, selector 2. */
    public static final int FIP = 0x388;
    /** Selector of the last x87 instruction. */
    public static final int FCS = 0x390;
    /** Selector of the last x87 operand. */
    public static final int FDS = 0x392;
    /** Last x87 operand: offset 8. */
    public static final int FDP = 0x398;
    /** MXCSR, 4 bytes. */
    public static final int MXCSR = 0x3a0;
    /** MSR EFER. */
    public static final int EFER = 0x3a8;
    /** Bit n is one where segment register n (ES, DS, FS, GS) is one that a return to CPL 3 would empty; 4 bytes. */
    public static final int INNER = 0x3b0;
    /** From what generated code makes the time-stamp counter: {@link org.jkvm.x86.Msrs.TimeSource}, by number; 4 bytes. */
    public static final int TIME_SOURCE = 0x3b4;
    /** What it adds. */
    public static final int TIME_OFFSET = 0x3b8;
    /** When it was that, by the host's clock: seconds 8, nanoseconds 8. */
    public static final int TIME_ZERO = 0x3c0;
    /** How often a second it counts. */
    public static final int TIME_HERTZ = 0x3d0;
    /** MSR TSC_AUX. */
    public static final int TSC_AUX = 0x3d8;
    /**
     * YMM0 to YMM15 as the low 32 of {@link #VECTOR_SIZE} bytes each: aligned to 64 where the struct is, so that VMOVAPS can
     * load and store either length. XMM registers are the low 16 bytes.
     */
    public static final int VECTORS = 0x400;
    /** Bytes from one vector register to the next: room for 512 bits. */
    public static final int VECTOR_SIZE = 0x40;
    /** Scratch: an XSAVE area for the x87 registers on their way from and to the host's (SDM vol. 1, section 13.4). */
    public static final int X87_IMAGE = 0x800;
    /**
     * What may be accessed of ES to GS, TR and LDTR outside 64-bit mode, {@link #LIMITS_SIZE} bytes each: the highest offset that
     * may be read, 8 bytes, and the highest that may be written, {@link #WRITE_LIMIT} bytes on; -1 where none may, or not from 0
     * on.
     */
    public static final int LIMITS = 0xa80;
    /** Bytes of one segment register's limits. */
    public static final int LIMITS_SIZE = 0x10;
    /** Offset of the highest offset that may be written, in a segment register's limits. */
    public static final int WRITE_LIMIT = 8;
    /** Scratch: what the flags can be computed from, two operands of 8 bytes each. */
    public static final int FLAG_OPERANDS = 0xb00;
    /** Scratch: how many more turns of a loop its spans are good for, 4 bytes. */
    public static final int TURNS = 0xb10;
    /** Scratch: what turns addresses of up to 4 spans of a loop into the host's, 8 bytes each. */
    public static final int LOOP_SPANS = 0xb20;
    /** Scratch: 32 bytes from the end of one page and 32 from the beginning of another, with an operand across both. */
    public static final int CROSSING = 0xb80;
    /** Scratch: where those pages are on the host, 8 bytes each. */
    public static final int CROSSING_PAGES = 0xbc0;
    /** Scratch: where in the first page the operand begins, 8 bytes. */
    public static final int CROSSING_OFFSET = 0xbd0;
    /** Scratch: registers that are needed meanwhile, 8 bytes each. */
    public static final int CROSSING_SAVED = 0xbd8;
    /** What returns from 64-bit code loaded before: {@link org.jkvm.x86.trap.Returns}. */
    public static final int RETURNS = 0xc00;
    /** Numbers of code segments by base and limit: {@link org.jkvm.x86.trap.CodeSegments}. */
    public static final int CODE_SEGMENTS = 0xd00;
    /** Scratch: what turns addresses of up to 12 spans of memory into the host's, 8 bytes each. */
    public static final int SPANS = 0xf00;
    /** Bytes of the struct, without the TLBs that follow it. */
    public static final int SIZE = 0x1000;
    /** Bytes below the struct where generated code has its stack, and signal handlers of the JVM with it. */
    public static final int STACK = 0x40000;

    private CpuState() {
    }

    /** Offset of general register {@code number} as a {@code size}-byte operand; {@code rex} makes SPL to DIL of 4 to 7. */
    public static int general(int number, int size, boolean rex) {
        return size == 1 && !rex && number >= 4 && number < 8 ? GENERAL + 8 * (number - 4) + 1 : GENERAL + 8 * number;
    }

    /** Offset of vector register {@code number}. */
    public static int vector(int number) {
        return VECTORS + VECTOR_SIZE * number;
    }

    /** Offset of MMX register {@code number}. */
    public static int mmx(int number) {
        return X87 + 16 * number;
    }

    /** Offset of segment register {@code number}. */
    public static int segment(int number) {
        return SEGMENTS + SEGMENT_SIZE * number;
    }

    /** Offset of what may be read, or with {@code write} written, of segment register {@code number}. */
    public static int limit(int number, boolean write) {
        return LIMITS + LIMITS_SIZE * number + (write ? WRITE_LIMIT : 0);
    }
}
