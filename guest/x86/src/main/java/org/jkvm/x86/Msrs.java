package org.jkvm.x86;

import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putInt;
import static org.jkvm.linux.RawMemory.putLong;

import java.util.Map;
import java.util.TreeMap;
import org.jkvm.x86.isa.Feature;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Segment;

/** Model-specific registers (SDM vol. 4, chapter 2; AMD APM vol. 2, appendix A). Those unknown raise #GP. */
public final class Msrs {
    /** Time-stamp counter. */
    public static final int TSC = 0x10;
    /** What was added to the time-stamp counter. */
    public static final int TSC_ADJUST = 0x3b;
    /** SYSENTER: CS. */
    public static final int SYSENTER_CS = 0x174;
    /** SYSENTER: ESP. */
    public static final int SYSENTER_ESP = 0x175;
    /** SYSENTER: EIP. */
    public static final int SYSENTER_EIP = 0x176;
    /** Page attribute table. */
    public static final int PAT = 0x277;
    /** IA32_XSS: supervisor state that XSAVES saves, of which there is none. */
    private static final int XSS = 0xda0;
    /** Extended features. */
    public static final int EFER = 0xc000_0080;
    /** SYSCALL: selectors and 32-bit EIP. */
    public static final int STAR = 0xc000_0081;
    /** SYSCALL: 64-bit RIP. */
    public static final int LSTAR = 0xc000_0082;
    /** SYSCALL from compatibility mode: RIP. */
    public static final int CSTAR = 0xc000_0083;
    /** SYSCALL: flags to clear. */
    public static final int FMASK = 0xc000_0084;
    /** FS base. */
    public static final int FS_BASE = 0xc000_0100;
    /** GS base. */
    public static final int GS_BASE = 0xc000_0101;
    /** What SWAPGS swaps with GS base. */
    public static final int KERNEL_GS_BASE = 0xc000_0102;
    /** What RDTSCP and RDPID read. */
    public static final int TSC_AUX = 0xc000_0103;

    private static final long NANOS = 1_000_000_000;
    private static final long RESET_PAT = 0x0007_0406_0007_0406L;
    /** MSRs that hold what is written, with their reset values. */
    private static final Map<Integer, Long> STORED = new TreeMap<>();
    /** MSRs that read as a constant and ignore writes. */
    private static final Map<Integer, Long> CONSTANT = new TreeMap<>();
    private static final int MTRR_CAP = 0xfe;
    /** IA32_BIOS_SIGN_ID, which AMD calls PATCH_LEVEL: read-only here, as there is nothing to update. */
    private static final int MICROCODE = 0x8b;
    /** AMD's revision is in the low half; this is what QEMU's processors show. */
    private static final long AMD_MICROCODE = 0x0100_0065L;
    /** Intel's is in the high half (SDM vol. 3A, section 10.11.7). */
    private static final long INTEL_MICROCODE = 1L << 32;
    private static final int MCG_STATUS = 0x17a;
    private static final int MC_BANKS = 10;

    static {
        for (int msr : new int[] {SYSENTER_CS, SYSENTER_ESP, SYSENTER_EIP, STAR, LSTAR, CSTAR, FMASK, KERNEL_GS_BASE,
            TSC_AUX, MCG_STATUS, 0x2ff, 0x1d9, 0xc001_0010, 0xc001_0015, 0xc001_1029, 0x48}) {
            STORED.put(msr, 0L);
        }
        STORED.put(PAT, RESET_PAT);
        STORED.put(0x1a0, 1L); // MISC_ENABLE: fast strings.
        STORED.put(0x17b, -1L); // MCG_CTL.
        for (int msr = 0x200; msr < 0x210; msr++) {
            STORED.put(msr, 0L); // Variable-range MTRRs.
        }
        for (int msr : new int[] {0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f}) {
            STORED.put(msr, 0L); // Fixed-range MTRRs.
        }
        for (int bank = 0; bank < 4 * MC_BANKS; bank++) {
            STORED.put(0x400 + bank, bank % 4 == 0 ? -1L : 0L); // MCi_CTL, STATUS, ADDR, MISC.
        }
        CONSTANT.put(MTRR_CAP, 0x508L); // Eight variable ranges, fixed ranges, write combining.
        CONSTANT.put(0x179, 0x0100_0100L | MC_BANKS); // MCG_CAP: MCG_CTL, MCG_SER_P.
        CONSTANT.put(0x3a, 1L); // FEATURE_CONTROL: locked.
        CONSTANT.put(0x17, 0L); // PLATFORM_ID.
        CONSTANT.put(0xce, 0L); // PLATFORM_INFO.
        CONSTANT.put(0x2a, 0L); // EBL_CR_POWERON.
        for (int msr = 0xc001_0000; msr < 0xc001_0008; msr++) {
            CONSTANT.put(msr, 0L); // PerfEvtSel0-3, PerfCtr0-3: counters that do not count; Xen reads them unasked.
        }
        CONSTANT.put(0xc001_001f, 0L); // NB_CFG.
        CONSTANT.put(0xc001_0055, 0L); // Interrupt pending and CMP halt.
        CONSTANT.put(0xc001_0112, 0L); // SMM base and TSEG.
        CONSTANT.put(0xc001_0113, 0L);
        CONSTANT.put(0xc001_1022, 0L); // DC_CFG.
        CONSTANT.put(0xc001_1023, 0L); // BU_CFG.
        CONSTANT.put(0xc001_102a, 0L); // BU_CFG2.
    }

    /** What the time-stamp counter may be made from without asking the bus. */
    public enum TimeSource {
        /** Nothing: the bus has to be asked. */
        BUS,
        /** {@link System#nanoTime}. */
        CLOCK,
        /** The host's time-stamp counter. */
        COUNTER
    }

    private final X86Cpu cpu;
    private final Map<Integer, Long> stored = new TreeMap<>(STORED);
    private long tscAdjust;

    Msrs(X86Cpu cpu) {
        this.cpu = cpu;
    }

    /** EFER. */
    public long efer() {
        return getLong(cpu.st + CpuState.EFER);
    }

    /** Stores EFER without its effects. */
    public void storeEfer(long value) {
        putLong(cpu.st + CpuState.EFER, value);
    }

    /** What RDTSC returns. */
    public long timeStampCounter() {
        return cpu.bus.timeStampCounter();
    }

    /** Says that only the bus knows {@link #timeStampCounter}, until one of its kind is called. On the vCPU's thread. */
    public void timeFromBus() {
        putInt(cpu.st + CpuState.TIME_SOURCE, TimeSource.BUS.ordinal());
    }

    /**
     * Says that {@link #timeStampCounter} was {@code offset} when {@link System#nanoTime} returned {@code zero}, and has counted
     * {@code hertz} a second since, whole ticks, rounded down.
     */
    public void timeFromClock(long zero, long hertz, long offset) {
        putInt(cpu.st + CpuState.TIME_SOURCE, TimeSource.CLOCK.ordinal());
        putLong(cpu.st + CpuState.TIME_ZERO, Math.floorDiv(zero, NANOS));
        putLong(cpu.st + CpuState.TIME_ZERO + 8, Math.floorMod(zero, NANOS));
        putLong(cpu.st + CpuState.TIME_HERTZ, hertz);
        putLong(cpu.st + CpuState.TIME_OFFSET, offset);
    }

    /** Says that {@link #timeStampCounter} is the host's, and {@code offset} more. */
    public void timeFromCounter(long offset) {
        putInt(cpu.st + CpuState.TIME_SOURCE, TimeSource.COUNTER.ordinal());
        putLong(cpu.st + CpuState.TIME_OFFSET, offset);
    }

    /** The numbers of the MSRs that hold state, for saving; TSC is among them. */
    public Iterable<Integer> numbers() {
        Map<Integer, Long> all = new TreeMap<>(stored);
        for (int msr : new int[] {TSC, TSC_ADJUST, EFER, FS_BASE, GS_BASE}) {
            all.put(msr, 0L);
        }
        return all.keySet();
    }

    /** Reads a stored MSR without checks: for SYSCALL and the like. */
    public long get(int number) {
        int field = field(number);
        return field == 0 ? stored.get(number) : getLong(cpu.st + field);
    }

    /** Sets a stored MSR without checks. */
    public void set(int number, long value) {
        int field = field(number);
        if (field == 0) {
            stored.put(number, value);
        } else {
            putLong(cpu.st + field, value);
        }
    }

    /** Where the native struct has an MSR that generated code needs; 0 for the others. */
    private static int field(int number) {
        return switch (number) {
            case STAR -> CpuState.STAR;
            case LSTAR -> CpuState.LSTAR;
            case FMASK -> CpuState.FMASK;
            case KERNEL_GS_BASE -> CpuState.KERNEL_GS_BASE;
            case TSC_AUX -> CpuState.TSC_AUX;
            default -> 0;
        };
    }

    /**
     * RDMSR.
     *
     * @throws GuestFault #GP where there is none
     */
    public long read(int number) {
        switch (number) {
            case TSC:
                return timeStampCounter();
            case TSC_ADJUST:
                return tscAdjust;
            case EFER:
                return efer();
            case MICROCODE:
                return cpu.cpuid.isAmd() ? AMD_MICROCODE : INTEL_MICROCODE;
            case FS_BASE:
                return cpu.segments.base(Segment.FS);
            case GS_BASE:
                return cpu.segments.base(Segment.GS);
            case XSS:
                return cpu.cpuid.has(Feature.XSAVES) ? 0 : readOther(number);
            default:
                return readOther(number);
        }
    }

    private long readOther(int number) {
        Long value = stored.containsKey(number) ? Long.valueOf(get(number)) : CONSTANT.get(number);
        if (value != null) {
            return value;
        }
        X86Bus.MsrResult outside = cpu.bus.readMsr(number);
        if (!outside.exists()) {
            throw cpu.fault(Vector.GP, 0);
        }
        return outside.value();
    }

    /**
     * WRMSR.
     *
     * @throws GuestFault #GP where there is none or the value is not allowed
     */
    public void write(int number, long value) {
        switch (number) {
            case TSC -> {
                long difference = value - timeStampCounter();
                cpu.bus.setTimeStampCounter(value); // May leave for user mode.
                tscAdjust += difference;
            }
            case TSC_ADJUST -> {
                cpu.bus.setTimeStampCounter(timeStampCounter() + value - tscAdjust);
                tscAdjust = value;
            }
            case EFER -> writeEfer(value);
            case FS_BASE -> cpu.segments.setBase(Segment.FS, canonical(value));
            case GS_BASE -> cpu.segments.setBase(Segment.GS, canonical(value));
            case LSTAR, CSTAR, KERNEL_GS_BASE, SYSENTER_ESP, SYSENTER_EIP -> set(number, canonical(value));
            case MICROCODE -> { } // Software clears it before CPUID loads it.
            case XSS -> {
                if (!cpu.cpuid.has(Feature.XSAVES) || value != 0) {
                    throw cpu.fault(Vector.GP, 0);
                }
            }
            default -> writeOther(number, value);
        }
    }

    private void writeOther(int number, long value) {
        if (number == PAT && !validPat(value) || number == TSC_AUX && value >>> 32 != 0) {
            throw cpu.fault(Vector.GP, 0);
        }
        if (stored.containsKey(number)) {
            set(number, value);
        } else if (!CONSTANT.containsKey(number) && !cpu.bus.writeMsr(number, value) || number == MTRR_CAP) {
            throw cpu.fault(Vector.GP, 0);
        }
    }

    private long canonical(long value) {
        if (value << 16 >> 16 != value) {
            throw cpu.fault(Vector.GP, 0);
        }
        return value;
    }

    /** Memory types 0, 1, 4 to 7 (SDM vol. 3A, table 12-10). */
    private static boolean validPat(long value) {
        for (int n = 0; n < 64; n += 8) {
            long type = value >>> n & 0xff;
            if (type > 7 || type == 2 || type == 3) {
                return false;
            }
        }
        return true;
    }

    private void writeEfer(long value) {
        long allowed = cpu.cpuid.has(Feature.SYSCALL) ? Control.EFER_SCE : 0;
        allowed |= cpu.cpuid.has(0x8000_0001, 0, 3, 29) ? Control.EFER_LME | Control.EFER_LMA : 0;
        allowed |= cpu.cpuid.has(0x8000_0001, 0, 3, 20) ? Control.EFER_NXE : 0;
        allowed |= cpu.cpuid.has(0x8000_0001, 0, 3, 25) ? Control.EFER_FFXSR : 0;
        long old = efer();
        boolean changesLme = ((old ^ value) & Control.EFER_LME) != 0;
        if ((value & ~allowed) != 0 || changesLme && (cpu.control(0) & Control.CR0_PG) != 0) {
            throw cpu.fault(Vector.GP, 0);
        }
        storeEfer(value & ~Control.EFER_LMA | old & Control.EFER_LMA);
        if (((old ^ value) & Control.EFER_NXE) != 0) {
            cpu.mmu.flushAll();
        }
    }

    /** Sets one of {@link #numbers} as it was saved; others are ignored. EFER and segment bases are set elsewhere. */
    public void restore(int number, long value) {
        if (number == TSC) {
            cpu.bus.setTimeStampCounter(value);
        } else if (number == TSC_ADJUST) {
            tscAdjust = value;
        } else if (stored.containsKey(number)) {
            set(number, value);
        }
    }

    /** Power-on state; the time-stamp counter starts at zero only at power-on, which is the bus's matter. */
    void reset() {
        stored.clear();
        stored.putAll(STORED);
        STORED.forEach(this::set);
        storeEfer(0);
        tscAdjust = 0;
    }

    /** XCR0. */
    public long xcr0() {
        return getLong(cpu.st + CpuState.XCR0);
    }

    /** Sets XCR0 without checks. */
    public void setXcr0(long value) {
        putLong(cpu.st + CpuState.XCR0, value);
    }
}
