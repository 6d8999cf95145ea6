package org.jkvm.devices.serial;

import java.util.List;
import java.util.concurrent.Executor;
import org.jkvm.base.Bits;
import org.jkvm.base.IoHandler;
import org.jkvm.base.Line;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.time.Alarm;
import org.jkvm.base.time.Clock;
import org.jkvm.devices.ByteFifo;
import org.jkvm.devices.Device;

/**
 * National Semiconductor PC16550D, the PC's serial port (datasheet TL/C/8652, June 1995; sections by its numbering).
 *
 * <p>Departures: a character is sent the moment it is written, whatever the divisor, so the transmitter is always empty
 * and has no FIFO to speak of; the receiver has no shift register behind its FIFO, so a character that finds it full is
 * the one that is lost. A PC board gates the interrupt with OUT2; this is the bare chip, and the gate is the slot's.
 */
public final class Uart16550 implements Device {
    private static final int FIFO_SIZE = 16;
    private static final int[] TRIGGER = {1, 4, 8, 14};
    /** XIN of every PC's UART; 16 clocks of the divided rate are one bit. */
    private static final long CRYSTAL_HERTZ = 1_843_200;

    private static final int IIR_NONE = 1;
    private static final int IIR_LINE_STATUS = 6;
    private static final int IIR_DATA = 4;
    private static final int IIR_TIMEOUT = 12;
    private static final int IIR_THRE = 2;
    private static final int IIR_MODEM = 0;
    private static final int FIFOS_ENABLED = 0xc0;

    private static final int LSR_DR = 0x01;
    private static final int LSR_OE = 0x02;
    private static final int LSR_FE = 0x08;
    private static final int LSR_BI = 0x10;
    private static final int LSR_SENT = 0x60;
    private static final int LSR_FIFO_ERROR = 0x80;
    private static final int LSR_ERRORS = 0x1e;

    private static final int MSR_CTS = 0x10;
    private static final int MSR_DSR = 0x20;
    private static final int MSR_RI = 0x40;
    private static final int MSR_DCD = 0x80;
    private static final int MSR_LINES = 0xf0;

    private final Line irq;
    private final Clock clock;
    private final CharacterBackend backend;
    private final Inbox inbox;
    private final Alarm timeout;
    private final ByteFifo received = new ByteFifo(FIFO_SIZE);
    private final ByteFifo receivedErrors = new ByteFifo(FIFO_SIZE);
    private final RegisterFile file = new RegisterFile("uart16550").summary("Universal asynchronous receiver/transmitter")
            .source("National PC16550D (TL/C/8652), section 8");
    private final Register rbr;
    private final Register ier;
    private final Register fcr;
    private final Register lcr;
    private final Register mcr;
    private final Register msr;
    private final Register dll;
    private final Register dlm;

    /** Errors that LSR shows until it is read. */
    private int lineErrors;
    private boolean threPending;
    private boolean timeoutPending;
    private boolean sendingBreak;
    /** What the modem's four lines say, in MSR's places: a null modem with everything on. */
    private int modem = MSR_CTS | MSR_DSR | MSR_DCD;

    /**
     * Makes the chip and connects it to its back end.
     *
     * @param irq     INTRPT
     * @param clock   times the receiver's character timeout
     * @param backend what hangs on SIN and SOUT
     * @param bus     runs a task with the bus lock held: how input from the back end's thread reaches the chip
     */
    public Uart16550(Line irq, Clock clock, CharacterBackend backend, Executor bus) {
        this.irq = irq;
        this.clock = clock;
        this.backend = backend;
        timeout = new Alarm(clock, "uart16550 timeout", this::characterTimeout);
        inbox = new Inbox(bus, this::drainInbox, this::receiveBreak);
        rbr = file.register("RBR", 0, 8).bank("DLAB=0", () -> !dlab()).readSide().onRead(this::readRbr)
                .summary("Receiver buffer");
        file.register("THR", 0, 8).bank("DLAB=0", () -> !dlab()).writeSide().notSaved().onWrite(this::writeThr)
                .summary("Transmitter holding");
        ier = declareIer();
        file.register("IIR", 2, 8).readSide().notSaved().reset(IIR_NONE).onRead(this::readIir)
                .bit("IPN", 0, "No interrupt pending").field("ID", 3, 1, "Interrupt ID")
                .field("FIFOE", 7, 6, "FIFOs enabled").summary("Interrupt identification");
        fcr = declareFcr();
        lcr = declareLcr();
        mcr = declareMcr();
        declareLsr();
        msr = declareMsr();
        file.register("SCR", 7, 8).summary("Scratch");
        dll = file.register("DLL", 0, 8).bank("DLAB=1", this::dlab).reset(12).summary("Divisor latch, low byte");
        dlm = file.register("DLM", 1, 8).bank("DLAB=1", this::dlab).summary("Divisor latch, high byte");
        msr.set(modem);
        backend.connect(inbox);
    }

    private Register declareIer() {
        return file.register("IER", 1, 8).bank("DLAB=0", () -> !dlab()).writable(0x0f).onWrite(this::writeIer)
                .bit("ERBFI", 0, "Received data available and timeout")
                .bit("ETBEI", 1, "Transmitter holding register empty")
                .bit("ELSI", 2, "Receiver line status")
                .bit("EDSSI", 3, "Modem status").summary("Interrupt enable");
    }

    private Register declareFcr() {
        return file.register("FCR", 2, 8).writeSide().writable(0).onWrite(this::writeFcr)
                .bit("FIFOEN", 0, "Enables both FIFOs; the other bits are taken only with this one set")
                .bit("RFRST", 1, "Empties the receiver FIFO").bit("XFRST", 2, "Empties the transmitter FIFO")
                .unmodelled("DMAMODE", 3, 3, "RXRDY and TXRDY mode: no pins here")
                .field("RTRIG", 7, 6, "Receiver trigger: 1, 4, 8 or 14 characters").summary("FIFO control");
    }

    private Register declareLcr() {
        return file.register("LCR", 3, 8).onWrite(v -> lineControlWritten())
                .field("WLS", 1, 0, "Word length: 5 to 8 bits").bit("STB", 2, "Two stop bits")
                .bit("PEN", 3, "Parity").bit("EPS", 4, "Even parity").bit("STKP", 5, "Stick parity")
                .bit("SB", 6, "Break: reaches this chip's own receiver in loopback, and nobody else")
                .bit("DLAB", 7, "Divisor latch access").summary("Line control");
    }

    private Register declareMcr() {
        return file.register("MCR", 4, 8).writable(0x1f).onWrite(v -> updateModem())
                .bit("DTR", 0, "Data terminal ready").bit("RTS", 1, "Request to send").bit("OUT1", 2, "Output 1")
                .bit("OUT2", 3, "Output 2").bit("LOOP", 4, "Loopback").summary("Modem control");
    }

    private void declareLsr() {
        file.register("LSR", 5, 8).readOnly().notSaved().reset(LSR_SENT).onRead(this::readLsr)
                .bit("DR", 0, "Data ready").bit("OE", 1, "Overrun").bit("PE", 2, "Parity error")
                .bit("FE", 3, "Framing error").bit("BI", 4, "Break")
                .bit("THRE", 5, "Transmitter holding register empty").bit("TEMT", 6, "Transmitter empty")
                .bit("EIRF", 7, "Error in receiver FIFO").summary("Line status");
    }

    private Register declareMsr() {
        return file.register("MSR", 6, 8).readOnly().onRead(this::readMsr)
                .bit("DCTS", 0, "CTS changed").bit("DDSR", 1, "DSR changed").bit("TERI", 2, "RI went off")
                .bit("DDCD", 3, "DCD changed").bit("CTS", 4, "Clear to send").bit("DSR", 5, "Data set ready")
                .bit("RI", 6, "Ring").bit("DCD", 7, "Data carrier detect").summary("Modem status");
    }

    @Override
    public String name() {
        return "uart16550";
    }

    @Override
    public List<RegisterFile> registerFiles() {
        return List.of(file);
    }

    /** The window of eight byte-wide registers. */
    public IoHandler window() {
        return file;
    }

    /** Sets the modem's lines, as the other end of the cable drives them. */
    public void modemLines(boolean cts, boolean dsr, boolean ri, boolean dcd) {
        modem = (cts ? MSR_CTS : 0) | (dsr ? MSR_DSR : 0) | (ri ? MSR_RI : 0) | (dcd ? MSR_DCD : 0);
        updateModem();
    }

    /** Master reset (table I). The divisor, which has no reset value, goes back to 9600 baud. */
    @Override
    public void reset() {
        file.reset();
        clearReceiver();
        lineErrors = 0;
        threPending = false;
        sendingBreak = false;
        msr.set(modem);
        updateIrq();
    }

    @Override
    public void exchangeState(StateIo io) {
        io.part("registers", file);
        io.part("received", received);
        io.part("receivedErrors", receivedErrors);
        io.part("inbox", inbox);
        io.part("timeout", timeout);
        lineErrors = io.u8("lineErrors", lineErrors) & LSR_ERRORS;
        threPending = io.flag("threPending", threPending);
        timeoutPending = io.flag("timeoutPending", timeoutPending);
        modem = io.u8("modem", modem) & MSR_LINES;
        sendingBreak = lcr.isSet(6);
        matchErrorsToCharacters();
    }

    /** The two queues run in step; a saved state need not. */
    private void matchErrorsToCharacters() {
        while (receivedErrors.size() < received.size()) {
            receivedErrors.push(0);
        }
        while (receivedErrors.size() > received.size()) {
            receivedErrors.pop();
        }
    }

    private boolean dlab() {
        return lcr.isSet(7);
    }

    private boolean fifos() {
        return fcr.isSet(0);
    }

    private boolean loopback() {
        return mcr.isSet(4);
    }

    // Receiver

    private long readRbr() {
        if (received.size() == 0) {
            return fifos() ? 0 : rbr.get();
        }
        receivedErrors.pop();
        int c = received.pop();
        rbr.set(c);
        revealErrors();
        timeoutPending = false;
        restartTimeout();
        drainInbox();
        return c;
    }

    private void drainInbox() {
        while (!loopback() && received.size() < depth()) {
            int c = inbox.poll();
            if (c < 0) {
                break;
            }
            accept(c, 0);
        }
        updateIrq();
    }

    /** A break is one zero character with its flags (section 8.4, bit 4); the missing stop bit is a framing error too. */
    private void receiveBreak() {
        if (!loopback()) {
            accept(0, LSR_BI | LSR_FE);
            updateIrq();
        }
    }

    private int depth() {
        return fifos() ? FIFO_SIZE : 1;
    }

    /** Section 8.4, OE: without FIFOs the new character replaces the old one; with them the FIFO stays as it is. */
    private void accept(int c, int errors) {
        if (received.size() == depth()) {
            lineErrors |= LSR_OE;
            if (fifos()) {
                return;
            }
            received.clear();
            receivedErrors.clear();
        }
        received.push(c & (int) Bits.mask(wordLength()));
        receivedErrors.push(errors);
        if (received.size() == 1) {
            revealErrors();
        }
        restartTimeout();
    }

    /** Errors belong to their character, and show when it is at the top of the FIFO. */
    private void revealErrors() {
        if (received.size() > 0) {
            lineErrors |= receivedErrors.at(0);
        }
    }

    private void clearReceiver() {
        received.clear();
        receivedErrors.clear();
        timeoutPending = false;
        timeout.cancel();
    }

    /** Section 8.11: four character times without an arrival or a read, with something in the FIFO. */
    private void restartTimeout() {
        boolean due = fifos() && received.size() > 0 && !timeoutPending;
        timeout.arm(due ? clock.nanos() + 4 * characterNanos() : Alarm.NEVER);
    }

    private void characterTimeout() {
        timeoutPending = received.size() > 0;
        updateIrq();
    }

    private long characterNanos() {
        long divisor = Math.max(1, dlm.get() << 8 | dll.get());
        int bits = 1 + wordLength() + (lcr.isSet(3) ? 1 : 0) + (lcr.isSet(2) ? 2 : 1);
        return bits * 16 * divisor * 1_000_000_000L / CRYSTAL_HERTZ;
    }

    private int wordLength() {
        return 5 + lcr.get(1, 0);
    }

    // Transmitter

    private void writeThr(long value) {
        int c = (int) (value & Bits.mask(wordLength()));
        if (loopback()) {
            accept(c, 0);
        } else {
            backend.write(new byte[] {(byte) c}, 0, 1);
        }
        threPending = true;
        updateIrq();
    }

    /** A break reaches the receiver once, however long it is held (section 8.4, bit 4). */
    private void lineControlWritten() {
        if (lcr.isSet(6) && !sendingBreak && loopback()) {
            accept(0, LSR_BI | LSR_FE);
        }
        sendingBreak = lcr.isSet(6);
        updateIrq();
    }

    // FIFO control, interrupts and status

    /** Section 8.5: changing FIFO mode empties both FIFOs; an emptied transmitter FIFO is an empty one (table IV). */
    private void writeFcr(long value) {
        boolean enable = Bits.isSet(value, 0);
        if (enable != fifos() || enable && Bits.isSet(value, 1)) {
            clearReceiver();
        }
        threPending |= enable != fifos() || enable && Bits.isSet(value, 2);
        fcr.set(enable ? value & ~0x36 : 0);
        drainInbox();
    }

    /** Enabling the interrupt while the register is empty raises it at once (section 8.7, bit 1). */
    private void writeIer(long value) {
        threPending = ier.isSet(1);
        updateIrq();
    }

    /** Reading IIR answers the THRE interrupt where that is the source shown (section 8.6, table IV). */
    private long readIir() {
        int source = pending();
        if (source == IIR_THRE) {
            threPending = false;
            updateIrq();
        }
        return source | (fifos() ? FIFOS_ENABLED : 0);
    }

    private long readLsr() {
        long seen = lineErrors | LSR_SENT | (received.size() > 0 ? LSR_DR : 0) | (errorsInFifo() ? LSR_FIFO_ERROR : 0);
        lineErrors = 0;
        if (received.size() > 0) {
            receivedErrors.replace(0, 0);
        }
        updateIrq();
        return seen;
    }

    private boolean errorsInFifo() {
        boolean any = false;
        for (int i = 0; i < receivedErrors.size(); i++) {
            any |= receivedErrors.at(i) != 0;
        }
        return any && fifos();
    }

    private long readMsr() {
        long seen = msr.get();
        msr.set(seen & MSR_LINES);
        updateIrq();
        return seen;
    }

    /** Section 8.8, bit 4: in loopback the four outputs of MCR take the place of the modem's lines. */
    private void updateModem() {
        int old = (int) msr.get();
        int lines = loopback() ? loopedLines() : modem;
        int changed = (old ^ lines) & (MSR_CTS | MSR_DSR | MSR_DCD);
        int ringEnded = old & ~lines & MSR_RI;
        msr.set(old & 0x0f | (changed | ringEnded) >> 4 | lines);
        drainInbox();
    }

    private int loopedLines() {
        return (mcr.isSet(1) ? MSR_CTS : 0) | (mcr.isSet(0) ? MSR_DSR : 0) | (mcr.isSet(2) ? MSR_RI : 0)
                | (mcr.isSet(3) ? MSR_DCD : 0);
    }

    private void updateIrq() {
        irq.set(pending() != IIR_NONE);
    }

    /** The pending source of the highest priority (section 8.6, table IV). */
    private int pending() {
        if (ier.isSet(2) && lineErrors != 0) {
            return IIR_LINE_STATUS;
        }
        if (ier.isSet(0) && received.size() >= (fifos() ? TRIGGER[fcr.get(7, 6)] : 1)) {
            return IIR_DATA;
        }
        if (ier.isSet(0) && timeoutPending) {
            return IIR_TIMEOUT;
        }
        if (ier.isSet(1) && threPending) {
            return IIR_THRE;
        }
        return ier.isSet(3) && (msr.get() & 0x0f) != 0 ? IIR_MODEM : IIR_NONE;
    }
}
