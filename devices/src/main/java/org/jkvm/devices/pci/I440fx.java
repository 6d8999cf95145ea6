package org.jkvm.devices.pci;

import org.jkvm.base.register.Register;

/**
 * Host bridge of Intel's 440FX chip set, the 82441FX "PMC" (datasheet 290549, section 3.2). What the guest can see of a
 * board is modelled: identity and the attributes that say whether firmware addresses read and write RAM or ROM. DRAM
 * timing and error reporting are declared and do nothing.
 */
public final class I440fx extends PciFunction {
    private static final int PAM = 0x59;
    private static final int PAM_REGISTERS = 7;
    private static final long SEGMENT = 0x4000;
    private static final long SEGMENTS_START = 0xc0000;
    private static final long BIOS_START = 0xf0000;
    private static final long BIOS_LENGTH = 0x10000;

    private final ShadowRam shadow;

    /** What decides, for the addresses C0000h to FFFFFh, whether RAM answers. */
    @FunctionalInterface
    public interface ShadowRam {
        /** Nothing to switch: RAM answers everywhere. */
        ShadowRam NONE = (start, length, readsRam, writesRam) -> { };

        /**
         * A segment's attributes, called with the bus lock held when they are written.
         *
         * @param readsRam  reads reach RAM; otherwise the ROM behind the ISA bridge
         * @param writesRam writes reach RAM; otherwise they are lost in the ROM
         */
        void set(long start, long length, boolean readsRam, boolean writesRam);
    }

    /** A bridge that tells {@code shadow} about changed attributes. */
    public I440fx(ShadowRam shadow) {
        super("i440fx", new PciIdentity(0x8086, 0x1237, 0x02, 0x060000, 0x1af4, 0x1100), 0);
        this.shadow = shadow;
        config().register("PMCCFG", 0x50, 16).summary("PMC configuration");
        config().register("DETURBO", 0x52, 8).summary("deturbo counter control");
        config().register("DBC", 0x53, 8).summary("DBX buffer control");
        config().register("AXC", 0x54, 8).summary("auxiliary control");
        config().register("DRT", 0x55, 16).summary("DRAM row type");
        config().register("DRAMC", 0x57, 8).reset(0x01).summary("DRAM control");
        config().register("DRAMT", 0x58, 8).reset(0x10).summary("DRAM timing");
        for (int i = 0; i < PAM_REGISTERS; i++) {
            declarePam(i);
        }
        for (int row = 0; row < 8; row++) {
            config().register("DRB" + row, 0x60 + row, 8).reset(0x01).summary("DRAM row boundary");
        }
        config().register("FDHC", 0x68, 8).summary("fixed DRAM hole control");
        config().register("MTT", 0x70, 8).reset(0x20).summary("multi-transaction timer");
        config().register("CLT", 0x71, 8).reset(0x10).summary("CPU latency timer");
        config().register("SMRAM", 0x72, 8).reset(0x02).summary("system management RAM control");
        config().register("ERRCMD", 0x90, 8).summary("error command");
        config().register("ERRSTS", 0x91, 8).readOnly().clearedByOne(0x11).summary("error status");
        config().register("TRC", 0x93, 8).summary("turbo reset control");
    }

    @Override
    public void reset() {
        super.reset();
        for (int i = 0; i < PAM_REGISTERS; i++) {
            apply(i, 0);
        }
    }

    /** Low nibble: the lower segment; high nibble: the upper. PAM0 has only an upper one, the 64 KiB at F0000h. */
    private void declarePam(int index) {
        Register pam = config().register("PAM" + index, PAM + index, 8).writable(index == 0 ? 0x30 : 0x33)
                .summary("programmable attribute map").bit("HI RE", 4, "reads of the upper segment reach RAM")
                .bit("HI WE", 5, "writes of the upper segment reach RAM")
                .bit("LO RE", 0, "reads of the lower segment reach RAM")
                .bit("LO WE", 1, "writes of the lower segment reach RAM");
        pam.onWrite(written -> apply(index, (int) pam.get()));
    }

    private void apply(int index, int value) {
        if (index == 0) {
            shadow.set(BIOS_START, BIOS_LENGTH, (value & 0x10) != 0, (value & 0x20) != 0);
        } else {
            long lower = SEGMENTS_START + (index - 1) * 2 * SEGMENT;
            shadow.set(lower, SEGMENT, (value & 0x01) != 0, (value & 0x02) != 0);
            shadow.set(lower + SEGMENT, SEGMENT, (value & 0x10) != 0, (value & 0x20) != 0);
        }
    }
}
