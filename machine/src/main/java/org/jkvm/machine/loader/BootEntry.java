package org.jkvm.machine.loader;

import java.util.Arrays;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86State.Segment;

/** The processor state that a kernel's boot protocol asks for at its first instruction: a closed set. */
public sealed interface BootEntry {
    /** Changes a processor's power-on state into the one that the kernel expects; what no protocol names stays. */
    void prepare(X86State state);

    /** Selector of the code segment in the boot GDT: __BOOT_CS (Linux boot protocol, "32-bit Boot Protocol"). */
    int BOOT_CS = 0x10;
    /** Selector of the data segment in the boot GDT: __BOOT_DS. */
    int BOOT_DS = 0x18;

    /**
     * The boot GDT's entries (SDM vol. 3A, section 3.4.5): null, null, code, data. Flat, 4 GiB, execute/read and
     * read/write; the code segment is a 32-bit or a 64-bit one.
     */
    static long[] gdt(boolean longMode) {
        return new long[] {0, 0, longMode ? 0x00af_9b00_0000_ffffL : 0x00cf_9b00_0000_ffffL, 0x00cf_9300_0000_ffffL};
    }

    /**
     * 32-bit protected mode, flat, paging off, interrupts off.
     *
     * @param eip where to begin
     * @param eax multiboot's magic number, else 0
     * @param ebx the multiboot or PVH information's address, else 0
     * @param esi the Linux boot_params' address, else 0
     * @param gdt where the boot GDT is, or 0 where the protocol leaves GDTR undefined
     */
    record Protected32(long eip, long eax, long ebx, long esi, long gdt) implements BootEntry {
        private static final long CR0_PE_ET = 0x11;
        private static final int CODE_32 = 0xc09b;
        private static final int TSS_32_BUSY = 0x008b;

        @Override
        public void prepare(X86State state) {
            clearGeneral(state);
            state.general[0] = eax;
            state.general[3] = ebx;
            state.general[6] = esi;
            state.rip = eip;
            state.cr0 = CR0_PE_ET;
            flatSegments(state, CODE_32);
            state.segments[X86State.TR] = new Segment(0, 0, 0x67, TSS_32_BUSY);
            bootGdt(state, gdt);
        }
    }

    /**
     * 64-bit mode with an identity map, interrupts off: Linux boot protocol, "64-bit Boot Protocol".
     *
     * @param rip where to begin
     * @param rsi the Linux boot_params' address
     * @param gdt where the boot GDT is
     * @param cr3 where the page tables' root is
     */
    record Long64(long rip, long rsi, long gdt, long cr3) implements BootEntry {
        private static final long CR0_PG_ET_PE = 0x8000_0011L;
        private static final long CR4_PAE = 0x20;
        private static final int EFER = 0xc000_0080;
        private static final long EFER_LMA_LME = 0x500;
        private static final int CODE_64 = 0xa09b;
        private static final int TSS_64_BUSY = 0x008b;

        @Override
        public void prepare(X86State state) {
            clearGeneral(state);
            state.general[6] = rsi;
            state.rip = rip;
            state.cr0 = CR0_PG_ET_PE;
            state.cr3 = cr3;
            state.cr4 = CR4_PAE;
            state.msrs.put(EFER, EFER_LMA_LME);
            flatSegments(state, CODE_64);
            state.segments[X86State.TR] = new Segment(0, 0, 0x67, TSS_64_BUSY);
            bootGdt(state, gdt);
        }
    }

    private static void clearGeneral(X86State state) {
        Arrays.fill(state.general, 0);
        state.rflags = 2;
        state.activity = X86State.Activity.RUNNING;
    }

    private static void flatSegments(X86State state, int codeAccess) {
        int dataAccess = 0xc093;
        Arrays.fill(state.segments, 0, 6, new Segment(BOOT_DS, 0, -1, dataAccess));
        state.segments[1] = new Segment(BOOT_CS, 0, -1, codeAccess);
    }

    private static void bootGdt(X86State state, long gdt) {
        state.gdtBase = gdt;
        state.gdtLimit = gdt == 0 ? 0 : 4 * 8 - 1;
        state.idtBase = 0;
        state.idtLimit = 0;
    }
}
