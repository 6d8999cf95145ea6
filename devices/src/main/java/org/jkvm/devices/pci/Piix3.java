package org.jkvm.devices.pci;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import org.jkvm.base.IoHandler;
import org.jkvm.base.Line;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateIo;
import org.jkvm.devices.bus.WiredOr;

/**
 * PCI-to-ISA bridge function of Intel's 82371SB "PIIX3" (datasheet 290550, section 2.2): routes the four PCI interrupts
 * to ISA interrupt requests, and resets the machine. Its other ISA chips (8259A, 8254, DMA) stand for themselves.
 */
public final class Piix3 extends PciFunction {
    /** PCI interrupt wires, PIRQA# to PIRQD#. */
    public static final int PIRQS = 4;
    private static final int ISA_IRQS = 16;
    private static final int ROUTE_DISABLED = 0x80;
    private static final int RCR_PORT = 1;
    private static final int RESET_CPU = 2;

    private final Line reset;
    private final WiredOr[] pirqs = new WiredOr[PIRQS];
    private final Register[] routes = new Register[PIRQS];
    private final Line[] isaIrqs = new Line[ISA_IRQS];
    private final boolean[] asserted = new boolean[ISA_IRQS];
    private final RegisterFile resetControl = new RegisterFile("piix3-reset-control")
            .summary("reset control register").source("Intel 82371SB PIIX3 (290550), reset control register");
    private final Register rcr = resetControl.register("RCR", RCR_PORT, 8).writable(0x06).summary("reset control")
            .bit("SRST", 1, "a hard reset, not a soft one").bit("RCPU", RESET_CPU, "a rising edge resets")
            .onWrite(this::resetWritten);

    /**
     * The bridge.
     *
     * @param isaIrqs the line behind ISA interrupt request 0 to 15, level-triggered for those that PCI is routed to; asked
     *                once each, and this bridge is the only driver of what is returned
     * @param reset   pulsed when the guest asks for a reset at port CF9h
     */
    public Piix3(IntFunction<Line> isaIrqs, Line reset) {
        super("piix3", new PciIdentity(0x8086, 0x7000, 0x00, 0x060100, 0x1af4, 0x1100), 0);
        this.reset = reset;
        Arrays.setAll(this.isaIrqs, isaIrqs);
        config().register("IORT", 0x4c, 8).reset(0x4d).summary("ISA I/O recovery timer");
        config().register("XBCS", 0x4e, 16).reset(0x0003).summary("X-bus chip select");
        for (int i = 0; i < PIRQS; i++) {
            routes[i] = declareRoute(i);
            pirqs[i] = new WiredOr(level -> route());
        }
        config().register("TOM", 0x69, 8).reset(0x02).summary("top of memory");
        config().register("MSTAT", 0x6a, 16).summary("miscellaneous status");
        config().register("MBIRQ0", 0x70, 8).reset(0x80).summary("motherboard interrupt route");
        config().register("MBDMA0", 0x76, 8).reset(0x0c).summary("motherboard DMA 0");
        config().register("MBDMA1", 0x77, 8).reset(0x0c).summary("motherboard DMA 1");
        config().register("PCSC", 0x78, 16).reset(0x0002).summary("programmable chip select");
        config().register("APICBASE", 0x80, 8).summary("I/O APIC base address; the I/O APIC stays where it is");
        config().register("DLC", 0x82, 8).summary("deterministic latency control");
        config().register("SMICNTL", 0xa0, 8).reset(0x08).summary("SMI control; there is no SMM");
        config().register("SMIEN", 0xa2, 16).summary("SMI enable");
        config().register("SEE", 0xa4, 32).summary("system event enable");
        config().register("FTMR", 0xa8, 8).reset(0x0f).summary("fast-off timer");
        config().register("SMIREQ", 0xaa, 16).summary("SMI request");
        config().register("CTLTMR", 0xac, 8).summary("clock throttle low");
        config().register("CTHTMR", 0xae, 8).summary("clock throttle high");
    }

    /** Joins one more driver to PIRQ {@code pirq} (0 is PIRQA#). */
    public Line pirq(int pirq) {
        return pirqs[pirq].join();
    }

    /** The 440FX board's wiring: INTA# of slot 1 is PIRQA#, and each next slot is turned by one. */
    public IntxWiring wiring() {
        return (device, pin) -> pirq(pirqOf(device, pin));
    }

    /** The PIRQ (0 to 3) that pin {@code pin} (1 is INTA#) of slot {@code device} is wired to. */
    public static int pirqOf(int device, int pin) {
        return device - 1 + pin - 1 & PIRQS - 1;
    }

    /** What answers narrow accesses at CF8h to CFBh: the reset control register at CF9h. */
    public IoHandler resetControl() {
        return resetControl;
    }

    @Override
    public List<RegisterFile> registerFiles() {
        return List.of(config(), resetControl);
    }

    @Override
    public void reset() {
        super.reset();
        resetControl.reset();
        route();
    }

    @Override
    public void exchangeState(StateIo io) {
        super.exchangeState(io);
        io.part("reset-control", resetControl);
        for (int i = 0; i < PIRQS; i++) {
            io.part("pirq" + i, pirqs[i]);
        }
        for (int irq = 0; irq < ISA_IRQS; irq++) {
            asserted[irq] = io.flag("irq" + irq, asserted[irq]);
        }
    }

    private Register declareRoute(int index) {
        return config().register("PIRQRC" + (char) ('A' + index), 0x60 + index, 8).reset(ROUTE_DISABLED).writable(0x8f)
                .summary("PIRQ route control").bit("Disable", 7, "leads nowhere").field("IRQ", 3, 0, "ISA interrupt request")
                .onWrite(written -> route());
    }

    private void route() {
        for (int irq = 0; irq < ISA_IRQS; irq++) {
            boolean level = routedTo(irq);
            if (level != asserted[irq]) {
                asserted[irq] = level;
                isaIrqs[irq].set(level);
            }
        }
    }

    private boolean routedTo(int irq) {
        for (int i = 0; i < PIRQS; i++) {
            if (pirqs[i].level() && routes[i].get() == irq) {
                return true;
            }
        }
        return false;
    }

    private void resetWritten(long written) {
        if ((written & 1 << RESET_CPU) != 0) {
            reset.pulse();
        }
    }
}
