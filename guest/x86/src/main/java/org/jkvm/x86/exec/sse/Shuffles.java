package org.jkvm.x86.exec.sse;

import static org.jkvm.linux.RawMemory.getByte;
import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.getShort;
import static org.jkvm.linux.RawMemory.putByte;
import static org.jkvm.linux.RawMemory.putShort;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.mmu.HostAccess;

/** Shuffles, unpacks of quadwords, byte shifts, and moves of single elements. */
public final class Shuffles {
    private Shuffles() {
    }

    /** PSHUFD. */
    public static void shuffleDwords(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        int order = (int) i.imm;
        long low = Lanes.pair(chosen(b, order), chosen(b, order >> 2));
        Sse.set(c, i.dst, low, Lanes.pair(chosen(b, order >> 4), chosen(b, order >> 6)));
    }

    private static int chosen(long source, int order) {
        return getInt(source + 4 * (order & 3));
    }

    /** SHUFPS. */
    public static void shuffleFloats(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        long a = c.st + i.dst;
        int order = (int) i.imm;
        long low = Lanes.pair(chosen(a, order), chosen(a, order >> 2));
        Sse.set(c, i.dst, low, Lanes.pair(chosen(b, order >> 4), chosen(b, order >> 6)));
    }

    /** SHUFPD. */
    public static void shuffleDoubles(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        long low = getLong(c.st + i.dst + (i.imm & 1) * 8);
        Sse.set(c, i.dst, low, getLong(b + (i.imm & 2) * 4));
    }

    /** PSHUFLW. */
    public static void shuffleLowWords(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        Sse.set(c, i.dst, Lanes.shuffleWords(getLong(b), i.imm), getLong(b + 8));
    }

    /** PSHUFHW. */
    public static void shuffleHighWords(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        Sse.set(c, i.dst, getLong(b), Lanes.shuffleWords(getLong(b + 8), i.imm));
    }

    /** PUNPCKLQDQ, UNPCKLPD. */
    public static void unpackLowQwords(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        Sse.set(c, i.dst, getLong(c.st + i.dst), getLong(b));
    }

    /** PUNPCKHQDQ, UNPCKHPD. */
    public static void unpackHighQwords(X86Cpu c, Insn i) {
        long high = getLong(Sse.aligned(c, i) + 8);
        Sse.set(c, i.dst, getLong(c.st + i.dst + 8), high);
    }

    // ---- shifts of all 16 bytes ----

    /** PSLLDQ. */
    public static void shiftBytesLeft(X86Cpu c, Insn i) {
        Sse.check(c);
        int count = (int) Math.min(i.imm, 16);
        joined(c, i, 0, 0, getLong(c.st + i.dst), getLong(c.st + i.dst + 8), 16 - count);
    }

    /** PSRLDQ. */
    public static void shiftBytesRight(X86Cpu c, Insn i) {
        Sse.check(c);
        int count = (int) Math.min(i.imm, 16);
        joined(c, i, getLong(c.st + i.dst), getLong(c.st + i.dst + 8), 0, 0, count);
    }

    /** PALIGNR: the first operand stands above the second. */
    public static void align(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        long a = c.st + i.dst;
        int count = (int) Math.min(i.imm, 32);
        if (count <= 16) {
            joined(c, i, getLong(b), getLong(b + 8), getLong(a), getLong(a + 8), count);
        } else {
            joined(c, i, getLong(a), getLong(a + 8), 0, 0, count - 16);
        }
    }

    /** Stores 16 of 32 bytes: those from byte {@code from}, 0 to 16, on. */
    private static void joined(X86Cpu c, Insn i, long q0, long q1, long q2, long q3, int from) {
        int by = from & 7;
        switch (from >>> 3) {
            case 0 -> Sse.set(c, i.dst, bytes(q0, q1, by), bytes(q1, q2, by));
            case 1 -> Sse.set(c, i.dst, bytes(q1, q2, by), bytes(q2, q3, by));
            default -> Sse.set(c, i.dst, q2, q3);
        }
    }

    /** 8 of 16 bytes: those from byte {@code from}, 0 to 7, on. */
    private static long bytes(long low, long high, int from) {
        return from == 0 ? low : low >>> 8 * from | high << 64 - 8 * from;
    }

    /** 8 of 16 bytes from byte {@code from} on, with zeros after them: PALIGNR of MMX registers. */
    public static long align(long low, long high, long from) {
        if (from >= 16) {
            return 0;
        }
        return from < 8 ? bytes(low, high, (int) from) : bytes(high, 0, (int) from - 8);
    }

    // ---- PSHUFB ----

    /** PSHUFB. */
    public static void shuffleBytes(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        long low = getLong(c.st + i.dst);
        long high = getLong(c.st + i.dst + 8);
        long first = shuffled(low, high, getLong(b));
        Sse.set(c, i.dst, first, shuffled(low, high, getLong(b + 8)));
    }

    private static long shuffled(long low, long high, long order) {
        long r = 0;
        for (int at = 0; at < 64; at += 8) {
            int which = (int) (order >>> at) & 0xff;
            if (which < 0x80) {
                long half = (which & 8) != 0 ? high : low;
                r |= (half >>> 8 * (which & 7) & 0xff) << at;
            }
        }
        return r;
    }

    /** PSHUFB of MMX registers. */
    public static long shuffleBytes(long a, long order) {
        return shuffled(a, a, order);
    }

    // ---- elements ----

    /** PINSRB. */
    public static void insertByte(X86Cpu c, Insn i) {
        Sse.check(c);
        putByte(c.st + i.dst + (i.imm & 15), (int) element(c, i, 1));
    }

    /** PINSRW. */
    public static void insertWord(X86Cpu c, Insn i) {
        Sse.check(c);
        putShort(c.st + i.dst + 2 * (i.imm & 7), (int) element(c, i, 2));
    }

    /** PINSRD, PINSRQ. */
    public static void insertWide(X86Cpu c, Insn i) {
        Sse.check(c);
        int size = i.srcSize;
        HostAccess.write(c.st + i.dst + size * (i.imm & 16 / size - 1), size, c.src(i));
    }

    /** The second operand: a general register's low bytes, or {@code size} bytes of memory. */
    public static long element(X86Cpu c, Insn i, int size) {
        return i.src >= 0 ? c.reg(i.src, 4) : c.load(i, size);
    }

    /** PEXTRB. */
    public static void extractByte(X86Cpu c, Insn i) {
        Sse.check(c);
        setElement(c, i, 1, getByte(c.st + i.src + (i.imm & 15)));
    }

    /** PEXTRW, both encodings. */
    public static void extractWord(X86Cpu c, Insn i) {
        Sse.check(c);
        setElement(c, i, 2, getShort(c.st + i.src + 2 * (i.imm & 7)));
    }

    /** PEXTRD, PEXTRQ. */
    public static void extractWide(X86Cpu c, Insn i) {
        Sse.check(c);
        int size = i.dstSize;
        c.setDst(i, HostAccess.read(c.st + i.src + size * (i.imm & 16 / size - 1), size));
    }

    /** EXTRACTPS. */
    public static void extractFloat(X86Cpu c, Insn i) {
        Sse.check(c);
        setElement(c, i, 4, getInt(c.st + i.src + 4 * (i.imm & 3)) & 0xffff_ffffL);
    }

    private static void setElement(X86Cpu c, Insn i, int size, long value) {
        if (i.dst >= 0) {
            c.setReg(i.dst, 4, value);
        } else {
            c.store(i, size, value);
        }
    }
}
