package org.jkvm.base.register;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.jkvm.base.Bits;
import org.jkvm.base.IoHandler;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;

/**
 * A chip's registers, in datasheet order. The declaration drives decoding, masks, reset, save and restore, traces and
 * the generated page in docs/devices. Bits and registers that are not modelled are declared too: a guest that touches
 * an undeclared offset is counted, and logged once for each.
 */
public final class RegisterFile implements IoHandler, Stateful {
    private static final System.Logger LOG = System.getLogger(RegisterFile.class.getName());

    private static final int MAX_TOLD = 0x1000;

    private final String chip;
    private final List<Register> registers = new ArrayList<>();
    private final List<Window> windows = new ArrayList<>();
    private String summary = "";
    private String source = "";
    private Register[][] byOffset = {};
    private RegisterTrace trace;
    private long unassigned;
    /** Undeclared offsets that have been logged; those from {@link #MAX_TOLD} up count as one. */
    private final BitSet told = new BitSet();
    private int floating = 0xff;

    /** A run of bytes that are no registers of their own: RAM, a table, another chip's window. */
    public record Window(String name, int offset, int length, String summary, IoHandler handler) {
        private boolean contains(long address) {
            return address >= offset && address - offset < length;
        }
    }

    /** Starts the declaration of {@code chip}. */
    public RegisterFile(String chip) {
        this.chip = chip;
    }

    /** What this window of the chip is, for the generated page. */
    public RegisterFile summary(String text) {
        summary = text;
        return this;
    }

    /** The document and section that the declaration follows. */
    public RegisterFile source(String documentAndSection) {
        source = documentAndSection;
        return this;
    }

    /** Declares a register of {@code width} bits (8, 16, 32 or 64) at byte {@code offset}. */
    public Register register(String name, int offset, int width) {
        if (registers.stream().anyMatch(r -> r.name().equals(name))) {
            throw new IllegalArgumentException(chip + ": two registers named " + name);
        }
        Register r = new Register(name, offset, width);
        registers.add(r);
        index(r);
        return r;
    }

    /** Declares {@code length} bytes at {@code offset} that {@code handler} answers, and whoever owns it saves. */
    public RegisterFile window(String name, int offset, int length, String windowSummary, IoHandler handler) {
        windows.add(new Window(name, offset, length, windowSummary, handler));
        return this;
    }

    /** What an undeclared byte reads as: FFh, a floating bus, where not said. */
    public RegisterFile undeclaredReadsAs(int value) {
        floating = value;
        return this;
    }

    /** The chip's name. */
    public String chip() {
        return chip;
    }

    /** What was said with {@link #summary(String)}. */
    public String summary() {
        return summary;
    }

    /** What was said with {@link #source(String)}. */
    public String source() {
        return source;
    }

    /** The registers, in datasheet order. */
    public List<Register> registers() {
        return List.copyOf(registers);
    }

    /** The windows, in the order they were declared in. */
    public List<Window> windows() {
        return List.copyOf(windows);
    }

    /** Shows every access to {@code listener}, or to nobody where null; free while nobody listens. */
    public void trace(RegisterTrace listener) {
        trace = listener;
    }

    /** Puts every register to its reset value. Calls no hook. */
    public void reset() {
        registers.forEach(Register::toReset);
    }

    /**
     * Reads. An access narrower than its register reads the addressed bytes of it; one that is wider than a register
     * reads the registers that follow, as a bus that splits the access does; undeclared bytes float.
     */
    @Override
    public long read(long offset, int size) {
        long result = 0;
        for (int done = 0; done < size; ) {
            long at = offset + done;
            Register r = find(at, false);
            int bytes = r == null ? loose(at, size - done) : lane(r, at, size - done);
            long part = r == null ? readLoose(at, bytes) : readRegister(r) >>> 8 * (at - r.offset());
            result |= (part & Bits.mask(8 * bytes)) << 8 * done;
            done += bytes;
        }
        return result;
    }

    /** Writes, split as {@link #read} is; a write narrower than its register leaves the register's other bytes. */
    @Override
    public void write(long offset, int size, long value) {
        for (int done = 0; done < size; ) {
            long at = offset + done;
            Register r = find(at, true);
            int bytes = r == null ? loose(at, size - done) : lane(r, at, size - done);
            long part = value >>> 8 * done & Bits.mask(8 * bytes);
            if (r == null) {
                writeLoose(at, bytes, part);
            } else {
                int shift = (int) (8 * (at - r.offset()));
                writeRegister(r, r.unaddressed() & ~(Bits.mask(8 * bytes) << shift) | part << shift);
            }
            done += bytes;
        }
    }

    /** How often the guest touched an offset that nothing is declared at. */
    public long unassignedAccesses() {
        return unassigned;
    }

    @Override
    public void exchangeState(StateIo io) {
        for (Register r : registers) {
            if (r.saved()) {
                r.set(io.bits(r.name(), r.width(), r.get()));
            }
        }
    }

    private void index(Register r) {
        int end = r.offset() + r.width() / 8;
        if (end > byOffset.length) {
            byOffset = Arrays.copyOf(byOffset, end);
        }
        for (int i = r.offset(); i < end; i++) {
            int count = byOffset[i] == null ? 0 : byOffset[i].length;
            byOffset[i] = count == 0 ? new Register[1] : Arrays.copyOf(byOffset[i], count + 1);
            byOffset[i][count] = r;
        }
    }

    private Register find(long offset, boolean write) {
        if (offset < 0 || offset >= byOffset.length || byOffset[(int) offset] == null) {
            return null;
        }
        for (Register r : byOffset[(int) offset]) {
            if (r.answers(write)) {
                return r;
            }
        }
        return null;
    }

    private static int lane(Register r, long at, int size) {
        return Math.min(size, r.offset() + r.width() / 8 - (int) at);
    }

    /** How many of {@code size} bytes at {@code at} go to one window in one access; one where nothing is declared. */
    private int loose(long at, int size) {
        Window w = windowAt(at);
        return w == null ? 1 : Integer.highestOneBit((int) Math.min(size, w.offset + w.length - at));
    }

    private Window windowAt(long at) {
        for (Window w : windows) {
            if (w.contains(at)) {
                return w;
            }
        }
        return null;
    }

    private long readRegister(Register r) {
        long value = r.guestRead();
        if (trace != null) {
            trace.access(chip, r.name(), false, value, () -> r.text(value));
        }
        return value;
    }

    private void writeRegister(Register r, long value) {
        if (trace != null) {
            trace.access(chip, r.name(), true, value, () -> r.text(value));
        }
        if (r.touchesUnmodelled(value)) {
            ignored("bits of " + r.name() + " that do nothing here: " + r.text(value));
        }
        r.guestWrite(value);
    }

    private long readLoose(long at, int bytes) {
        Window w = windowAt(at);
        long value = w == null ? undeclared("read", at) : w.handler.read(at - w.offset, bytes);
        traceLoose(w, at, false, value);
        return value;
    }

    private void writeLoose(long at, int bytes, long value) {
        Window w = windowAt(at);
        traceLoose(w, at, true, value);
        if (w == null) {
            undeclared("write of " + Long.toHexString(value) + "h", at);
        } else {
            w.handler.write(at - w.offset, bytes, value);
        }
    }

    private void traceLoose(Window w, long at, boolean write, long value) {
        if (trace != null) {
            String where = w == null ? "?" + Long.toHexString(at) : w.name + "+" + Long.toHexString(at - w.offset);
            trace.access(chip, where + "h", write, value, () -> Long.toHexString(value) + "h");
        }
    }

    private void ignored(String what) {
        LOG.log(System.Logger.Level.DEBUG, "{0}: {1}", chip, what);
        if (trace != null) {
            trace.ignored(chip, what);
        }
    }

    private long undeclared(String what, long offset) {
        unassigned++;
        int index = (int) Math.clamp(offset, 0, MAX_TOLD);
        if (!told.get(index)) {
            told.set(index);
            ignored(what + " at undeclared offset " + Long.toHexString(offset) + "h");
        }
        return floating;
    }
}
