package org.jkvm.devices.pci;

import org.jkvm.base.IoHandler;
import org.jkvm.base.register.Register;
import org.jkvm.devices.bus.AddressSpace;

/**
 * Power management function of Intel's 82371AB "PIIX4" (datasheet 290562, section 7.1): says where its I/O registers are.
 * The registers themselves are another chip's; device activity monitors and the SMBus host are declared and do nothing.
 */
public final class Piix4PmFunction extends PciFunction {
    private static final int PM_PORTS = 64;
    private static final int PM_IO_SPACE_ENABLE = 0;
    private static final long BASE_BITS = 0xffc0;

    private final IoHandler pmRegisters;
    private final Register pmBase;
    private final Register pmMisc;
    private AddressSpace.Window window;

    /** The function in front of {@code pmRegisters}, a window of 64 ports. */
    public Piix4PmFunction(IoHandler pmRegisters) {
        super("piix4-pm", new PciIdentity(0x8086, 0x7113, 0x03, 0x068000, 0x1af4, 0x1100), 1);
        this.pmRegisters = pmRegisters;
        pmBase = config().register("PMBA", 0x40, 32).reset(1).writable(BASE_BITS).onWrite(written -> mappingChanged())
                .summary("power management base address");
        config().register("CNTA", 0x44, 32).summary("count A");
        config().register("CNTB", 0x48, 32).summary("count B");
        config().register("GPICTL", 0x4c, 32).summary("general-purpose input control");
        config().register("DEVRESD", 0x50, 32).summary("device resource D");
        config().register("DEVACTA", 0x54, 32).summary("device activity A");
        config().register("DEVACTB", 0x58, 32).summary("device activity B");
        config().register("DEVRESA", 0x5c, 32).summary("device resource A");
        config().register("DEVRESB", 0x60, 32).summary("device resource B");
        config().register("DEVRESC", 0x64, 32).summary("device resource C");
        config().register("DEVRESE", 0x68, 32).summary("device resource E");
        config().register("DEVRESF", 0x6c, 32).summary("device resource F");
        config().register("DEVRESG", 0x70, 32).summary("device resource G");
        config().register("DEVRESH", 0x74, 32).summary("device resource H");
        config().register("DEVRESI", 0x78, 32).summary("device resource I");
        config().register("DEVRESJ", 0x7c, 32).summary("device resource J");
        pmMisc = config().register("PMREGMISC", 0x80, 8).writable(1).onWrite(written -> mappingChanged())
                .summary("miscellaneous power management").bit("PMIOSE", PM_IO_SPACE_ENABLE, "the PM registers answer");
        config().register("SMBBA", 0x90, 32).reset(1).writable(0xfff0).summary("SMBus base address");
        config().register("SMBHSTCFG", 0xd2, 8).readOnly().summary("SMBus host configuration: off");
        config().register("SMBREV", 0xd6, 8).readOnly().summary("SMBus revision");
    }

    /** Puts the registers at I/O port {@code port}, a multiple of 64, and enables them, as firmware does. */
    public void enableAt(int port) {
        pmBase.set(port & BASE_BITS | 1);
        pmMisc.set(1 << PM_IO_SPACE_ENABLE);
        mappingChanged();
    }

    @Override
    protected void withdrawWindows() {
        super.withdrawWindows();
        if (window != null && (!enabled() || window.start() != port())) {
            bus().io().unmap(window);
            window = null;
        }
    }

    @Override
    protected void claimWindows() {
        super.claimWindows();
        if (window == null && enabled() && bus().io().isFree(port(), PM_PORTS)) {
            window = bus().io().map(name(), port(), PM_PORTS, pmRegisters);
        }
    }

    private boolean enabled() {
        return pmMisc.isSet(PM_IO_SPACE_ENABLE) && port() != 0;
    }

    private long port() {
        return pmBase.get() & BASE_BITS;
    }
}
