package org.jkvm.soft.chip;

import java.util.function.IntSupplier;
import org.jkvm.base.Bits;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;
import org.jkvm.base.time.Clock;

/**
 * A processor's local APIC: xAPIC and x2APIC (Intel SDM vol. 3A, chapter "Advanced Programmable Interrupt Controller";
 * sections are numbered as where that is chapter 10). Single-threaded: the chip's lock is held; a vCPU calls through
 * {@link VcpuInterrupts}.
 *
 * <pre>
 *   bus, LVT ──accept──▶ IRR ──acknowledge──▶ ISR ──EOI──▶ done; level-triggered: told to the I/O APIC
 *                         │ class above PPR?
 *                         └──▶ pins.interrupt(true)
 * </pre>
 *
 * <p>Departures: the bootstrap processor's LINT0 is ExtINT after reset, as firmware leaves it and QEMU and KVM start it,
 * so that 8259A interrupts work before anyone programs the APIC. There is no SMM: SMIs are dropped. IPIs of lowest
 * priority are supported in x2APIC mode too.
 */
final class LocalApic implements Stateful {
    /** Error status bits (SDM vol. 3A, 10.5.3). */
    private static final int SEND_ILLEGAL_VECTOR = 1 << 5;
    private static final int RECEIVE_ILLEGAL_VECTOR = 1 << 6;
    private static final int ILLEGAL_REGISTER = 1 << 7;

    private static final int MASK = 16;
    private static final int REMOTE_IRR = 14;
    private static final int LEVEL_TRIGGER = 15;
    private static final int EXTINT_UNMASKED = 0x700;

    private final int id;
    /** Wiring, not state: hence transient, as the tests' field dump has it. */
    private final transient ApicBus bus;
    private final transient IntSupplier external;
    private final transient ProcessorPins pins;
    private final ApicBase base;
    private final ApicTimer timer;
    private final LocalApicRegisters r = new LocalApicRegisters();
    private final X2apicMsrs msrs;
    /** Errors found since the ESR was last written. */
    private int errors;
    /** An ExtINT message was accepted and not yet acknowledged. */
    private boolean externalLatched;
    private boolean lint0Level;
    private boolean lint1Level;
    /** What the processor was last told. */
    private boolean interrupting;

    /** Makes the APIC of processor {@code id}; {@code external} is an acknowledge cycle to the 8259As. */
    LocalApic(int id, ApicBus bus, IntSupplier external, ProcessorPins pins, Clock clock, GuestTsc tsc) {
        this.id = id;
        this.bus = bus;
        this.external = external;
        this.pins = pins;
        this.base = new ApicBase(id == 0);
        this.msrs = new X2apicMsrs(base, r);
        this.timer = new ApicTimer(clock, tsc, () -> local(r.lvtTimer));
        hook();
        resetRegisters();
    }

    private void hook() {
        r.id.onRead(() -> x2apic() ? id : (long) id << 24);
        r.apr.onRead(this::processorPriority);
        r.ppr.onRead(this::processorPriority);
        r.ldr.onRead(() -> x2apic() ? logicalId() : r.ldr.get());
        r.currentCount.onRead(timer::currentCount);
        r.tpr.onWrite(v -> update());
        r.eoi.onWrite(v -> endOfInterrupt());
        r.svr.onWrite(v -> enableWritten());
        r.esr.onWrite(v -> latchErrors());
        r.icr.onWrite(v -> sendIpi());
        r.selfIpi.onWrite(v -> self((int) v & 0xff));
        r.initialCount.onWrite(this::startTimer);
        r.divide.onWrite(v -> timer.setDivide((int) v));
        for (Register entry : r.lvt()) {
            entry.onWrite(v -> lvtWritten(entry));
        }
    }

    int id() {
        return id;
    }

    RegisterFile registers() {
        return r.file;
    }

    ApicTimer timer() {
        return timer;
    }

    ApicBase base() {
        return base;
    }

    /** Whether it is there at all: IA32_APIC_BASE's global enable. */
    boolean present() {
        return base.enabled();
    }

    boolean softwareEnabled() {
        return r.svr.isSet(8);
    }

    private boolean x2apic() {
        return base.x2apic();
    }

    /** Power-on. */
    void reset() {
        base.reset();
        init();
    }

    /** INIT: everything but the id and IA32_APIC_BASE goes back (SDM vol. 3A, 10.4.7.3). */
    void init() {
        resetRegisters();
        update();
    }

    private void resetRegisters() {
        r.file.reset();
        r.id.set((long) id << 24);
        r.lint0.set(id == 0 ? EXTINT_UNMASKED : r.lint0.get());
        errors = 0;
        externalLatched = false;
        timer.reset();
    }

    // ---- What the processor asks.

    /** Whether {@link #acknowledge} would return a vector. */
    boolean pending() {
        return externalRequested() || deliverable() >= 0;
    }

    /** Interrupt acknowledge: the vector that the processor takes, or -1. The 8259As go first, as with INTR. */
    int acknowledge() {
        if (externalRequested()) {
            externalLatched = false;
            int vector = external.getAsInt();
            update();
            return vector;
        }
        int vector = deliverable();
        if (vector >= 0) {
            r.irr.set(vector, false);
            r.isr.set(vector, true);
            update();
        }
        return vector;
    }

    /** Task priority register. */
    int tpr() {
        return (int) r.tpr.get();
    }

    void setTpr(int value) {
        r.tpr.set(value & 0xff);
        update();
    }

    /** Processor priority (SDM vol. 3A, 10.8.3.1): the higher class of TPR and the interrupt in service. */
    int processorPriority() {
        int inService = Math.max(r.isr.highest(), 0) & 0xf0;
        return (tpr() & 0xf0) >= inService ? tpr() : inService;
    }

    private int deliverable() {
        int vector = present() ? r.irr.highest() : -1;
        return vector >= 0 && vector >> 4 > processorPriority() >> 4 ? vector : -1;
    }

    /** LINT0 as an ExtINT, or an ExtINT message; without an APIC, LINT0 is the processor's INTR pin (10.4.3). */
    private boolean externalRequested() {
        boolean passes = !present() || (r.lint0.get() & 1 << MASK) == 0 && mode(r.lint0) == DeliveryMode.EXTINT;
        return externalLatched || lint0Level && passes;
    }

    /** Tells the processor when its answer to {@link #pending} has changed. */
    void update() {
        boolean now = pending();
        if (now != interrupting) {
            interrupting = now;
            pins.interrupt(now);
        }
    }

    // ---- What comes from the bus, the pins and inside.

    /** Whether it is meant by {@code m} (SDM vol. 3A, 10.6.2; x2APIC: 10.12.9 and 10.12.10). */
    boolean matches(ApicMessage m) {
        if (!present() || m.broadcast()) {
            return present();
        }
        return m.logical() ? matchesLogical(m.destination()) : m.destination() == id;
    }

    private boolean matchesLogical(int destination) {
        if (x2apic()) {
            return destination >>> 16 == logicalId() >>> 16 && (destination & logicalId() & 0xffff) != 0;
        }
        int mine = (int) (r.ldr.get() >> 24);
        int common = destination >>> 8 == 0 ? mine & destination : 0;
        boolean flat = r.dfr.get(31, 28) == 0xf;
        return flat ? common != 0 : r.dfr.get(31, 28) == 0 && mine >> 4 == destination >> 4 && (common & 0xf) != 0;
    }

    /** x2APIC logical id: cluster in bits 31:16, one bit of 16 in the cluster (SDM vol. 3A, 10.12.10.2). */
    private int logicalId() {
        return id >> 4 << 16 | 1 << (id & 15);
    }

    /** A message has arrived. A software-disabled APIC takes only what is no vectored interrupt (10.4.7.2). */
    void accept(DeliveryMode mode, int vector, boolean level) {
        switch (mode) {
            case FIXED, LOWEST_PRIORITY -> acceptVector(vector, level);
            case NMI -> pins.nmi();
            case INIT -> {
                init();
                pins.init();
            }
            case STARTUP -> pins.startup(vector);
            case EXTINT -> {
                externalLatched = true;
                update();
            }
            case SMI, RESERVED -> { }
        }
    }

    private void acceptVector(int vector, boolean level) {
        if (!softwareEnabled()) {
            return;
        }
        if (vector < 16) {
            error(RECEIVE_ILLEGAL_VECTOR);
            return;
        }
        r.irr.set(vector, true);
        r.tmr.set(vector, level);
        update();
    }

    /** Drives LINT0. */
    void setLint0(boolean level) {
        boolean rises = level && !lint0Level;
        lint0Level = level;
        pin(r.lint0, level, rises);
        update();
    }

    /** Drives LINT1; without an APIC it is the processor's NMI pin. */
    void setLint1(boolean level) {
        boolean rises = level && !lint1Level;
        lint1Level = level;
        if (rises && !present()) {
            pins.nmi();
        } else {
            pin(r.lint1, level, rises);
        }
    }

    /** A LINT pin: only fixed interrupts can be level-triggered (SDM vol. 3A, 10.5.1, "Trigger Mode"). */
    private void pin(Register entry, boolean level, boolean rises) {
        if (!present() || mode(entry) == DeliveryMode.EXTINT) {
            return;
        }
        if (mode(entry) != DeliveryMode.FIXED || !entry.isSet(LEVEL_TRIGGER)) {
            if (rises) {
                local(entry);
            }
        } else if (level && !entry.isSet(REMOTE_IRR) && !entry.isSet(MASK)) {
            entry.setBit(REMOTE_IRR, true);
            acceptVector((int) entry.get() & 0xff, true);
        }
    }

    /** A local source asks for what its LVT entry says. */
    private void local(Register entry) {
        if (!entry.isSet(MASK)) {
            accept(mode(entry), (int) entry.get() & 0xff, false);
        }
    }

    private static DeliveryMode mode(Register entry) {
        return DeliveryMode.of(entry.get());
    }

    private void error(int bit) {
        boolean first = errors == 0;
        errors |= bit;
        if (first) {
            local(r.lvtError);
        }
    }

    // ---- What software writes.

    /** Highest priority in service is done (SDM vol. 3A, 10.8.5). */
    private void endOfInterrupt() {
        int vector = r.isr.highest();
        if (vector < 0) {
            return;
        }
        r.isr.set(vector, false);
        if (r.tmr.contains(vector)) {
            endPin(r.lint0, vector, lint0Level);
            endPin(r.lint1, vector, lint1Level);
            bus.endOfInterrupt(vector);
        }
        update();
    }

    private void endPin(Register entry, int vector, boolean level) {
        if (entry.isSet(REMOTE_IRR) && (entry.get() & 0xff) == vector) {
            entry.setBit(REMOTE_IRR, false);
            pin(entry, level, false);
        }
    }

    private void lvtWritten(Register entry) {
        maskWhileDisabled(entry);
        if (entry == r.lvtTimer) {
            timer.setMode(ApicTimer.Mode.values()[entry.get(18, 17)]);
        } else if (entry == r.lint0) {
            pin(entry, lint0Level, false);
        } else if (entry == r.lint1) {
            pin(entry, lint1Level, false);
        }
        update();
    }

    private void enableWritten() {
        for (Register entry : r.lvt()) {
            maskWhileDisabled(entry);
        }
        update();
    }

    /** A software-disabled APIC keeps all LVT mask bits set (SDM vol. 3A, 10.4.7.2). */
    private void maskWhileDisabled(Register entry) {
        entry.setBit(MASK, entry.isSet(MASK) || !softwareEnabled());
    }

    /** A write of the ESR shows the errors since the last one, and lets the next error interrupt again. */
    private void latchErrors() {
        r.esr.set(errors);
        errors = 0;
    }

    private void startTimer(long count) {
        timer.start(count);
        r.initialCount.set(timer.initialCount());
    }

    private void self(int vector) {
        if (vector < 16) {
            error(SEND_ILLEGAL_VECTOR);
        } else {
            acceptVector(vector, false);
        }
    }

    /** The ICR's low half was written (SDM vol. 3A, 10.6.1). IPIs are edges, whatever the trigger bit says. */
    private void sendIpi() {
        int command = (int) r.icr.get();
        DeliveryMode mode = DeliveryMode.of(command);
        boolean deassert = mode == DeliveryMode.INIT && !Bits.isSet(command, 14) && Bits.isSet(command, 15);
        boolean vectored = mode == DeliveryMode.FIXED || mode == DeliveryMode.LOWEST_PRIORITY;
        if (vectored && (command & 0xff) < 16) {
            error(SEND_ILLEGAL_VECTOR);
        } else if (!deassert) {
            send(command, new ApicMessage(ipiDestination(), Bits.isSet(command, 11), x2apic(), mode, command & 0xff, false));
        }
    }

    /** Destination shorthand, bits 19:18. */
    private void send(int command, ApicMessage m) {
        switch (command >> 18 & 3) {
            case 0 -> bus.send(m);
            case 1 -> accept(m.mode(), m.vector(), false);
            case 2 -> {
                bus.sendToOthers(m, this);
                accept(m.mode(), m.vector(), false);
            }
            default -> bus.sendToOthers(m, this);
        }
    }

    private int ipiDestination() {
        return (int) (x2apic() ? r.icrHigh.get() : r.icrHigh.get() >> 24);
    }

    // ---- Windows: the MMIO page and the MSRs.

    /** Reads the MMIO page. Registers are read as aligned doublewords; bytes beside them read as zero. */
    long read(int offset, int size) {
        Register register = declared(offset, r.selfIpi);
        boolean inside = register != null && (offset & 0xf) + size <= 4;
        return inside ? r.file.read(offset, size) : 0;
    }

    /** Writes the MMIO page: aligned doublewords; the SDM leaves others undefined (10.4.1), here they are lost. */
    void write(int offset, int size, long value) {
        Register register = declared(offset, r.selfIpi);
        if (register != null && (offset & 0xf) == 0 && size >= 4) {
            r.file.write(offset, 4, value);
        }
    }

    private Register declared(int offset, Register hidden) {
        Register register = offset >= 0 && offset < LocalApicRegisters.PAGE ? r.at(offset & ~0xf) : null;
        if (register == null || register == hidden) {
            error(ILLEGAL_REGISTER);
            return null;
        }
        return register;
    }

    /** The registers as MSRs. */
    X2apicMsrs msrs() {
        return msrs;
    }

    /** Writes IA32_APIC_BASE; false means #GP. Turning it off and on again resets it (SDM vol. 3A, 10.4.3, 10.12.5). */
    boolean writeBase(long value) {
        boolean was = present();
        if (!base.write(value)) {
            return false;
        }
        if (was && !present()) {
            resetRegisters();
        }
        update();
        return true;
    }

    // ---- State.

    /** The register page as KVM_GET_LAPIC gives it. */
    byte[] exportPage() {
        r.currentCount.set(timer.currentCount());
        r.ppr.set(processorPriority());
        if (x2apic()) {
            r.ldr.set(logicalId());
        }
        return r.toPage();
    }

    /** Takes IA32_APIC_BASE, the register page and IA32_TSC_DEADLINE; all of them may hold anything. */
    void restore(long baseMsr, byte[] page, long tscDeadline) {
        base.set(baseMsr);
        r.fromPage(page);
        r.id.set((long) id << 24);
        timer.reset();
        timer.setMode(ApicTimer.Mode.values()[r.lvtTimer.get(18, 17)]);
        timer.setDivide((int) r.divide.get());
        timer.resume(r.initialCount.get(), r.currentCount.get());
        timer.setTscDeadline(tscDeadline);
        update();
    }

    /** Takes the pins' levels without acting on edges: after a restore. */
    void restoreLint0(boolean level) {
        lint0Level = level;
        update();
    }

    @Override
    public void exchangeState(StateIo io) {
        byte[] page = exportPage();
        io.bytes("page", page);
        long baseMsr = io.u64("apic-base", base.read());
        long tscDeadline = io.u64("tsc-deadline", timer.tscDeadline());
        long timerLeft = io.bits("timer-left", 62, timer.left() + 1) - 1;
        errors = io.u8("errors", errors);
        externalLatched = io.flag("extint", externalLatched);
        lint0Level = io.flag("lint0", lint0Level);
        lint1Level = io.flag("lint1", lint1Level);
        if (io.restoring()) {
            restore(baseMsr, page, tscDeadline);
            timer.setLeft(timerLeft);
        }
    }

    @Override
    public String toString() {
        return String.format("lapic%d: base=%x tpr=%02x ppr=%02x irr=%d isr=%d lint0=%x timer=%x", id, base.read(), tpr(),
                processorPriority(), r.irr.highest(), r.isr.highest(), r.lint0.get(), r.lvtTimer.get());
    }
}
