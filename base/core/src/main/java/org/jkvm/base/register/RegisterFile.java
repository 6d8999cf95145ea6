package org.jkvm.base.register;

import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.Bits;
import org.jkvm.base.IoHandler;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;

/**
 * A chip's registers, in datasheet order. The declaration drives decoding, masks, reset, save and restore, traces and
 * the generated page in docs/devices. Bits and registers that are not modelled are declared too: a guest that touches
 * an undeclared offset is counted and logged once.
 */
public final class RegisterFile implements IoHandler, Stateful {
    private static final System.Logger LOG = System.getLogger(RegisterFile.class.getName());

    private final String chip;
    private final List<Register> registers = new ArrayList<>();
    private long unassigned;

    /** Starts the declaration of {@code chip}. */
    public RegisterFile(String chip) {
        this.chip = chip;
    }

    /** Declares a register of {@code width} bits (8, 16, 32 or 64) at byte {@code offset}. */
    public Register register(String name, int offset, int width) {
        Register r = new Register(name, offset, width);
        registers.add(r);
        return r;
    }

    /** The chip's name. */
    public String chip() {
        return chip;
    }

    /** The registers, in datasheet order. */
    public List<Register> registers() {
        return List.copyOf(registers);
    }

    /** Puts every register to its reset value. Calls no hook. */
    public void reset() {
        registers.forEach(Register::toReset);
    }

    /**
     * Reads. An access narrower than its register reads the addressed bytes of it; one that is wider than a register
     * reads the registers that follow, as a bus that splits the access does; undeclared bytes read as ones.
     */
    @Override
    public long read(long offset, int size) {
        long result = 0;
        for (int done = 0; done < size; ) {
            Register r = find(offset + done);
            int bytes = r == null ? 1 : Math.min(size - done, r.offset() + r.width() / 8 - (int) (offset + done));
            long part = r == null ? unassignedRead(offset + done) : r.guestRead() >>> 8 * (offset + done - r.offset());
            result |= (part & Bits.mask(8 * bytes)) << 8 * done;
            done += bytes;
        }
        return result;
    }

    /** Writes, split as {@link #read} is; a write narrower than its register leaves the register's other bytes. */
    @Override
    public void write(long offset, int size, long value) {
        for (int done = 0; done < size; ) {
            Register r = find(offset + done);
            int bytes = r == null ? 1 : Math.min(size - done, r.offset() + r.width() / 8 - (int) (offset + done));
            if (r == null) {
                unassignedWrite(offset + done, value >>> 8 * done);
            } else {
                int shift = (int) (8 * (offset + done - r.offset()));
                long lane = Bits.mask(8 * bytes) << shift;
                r.guestWrite(r.unaddressed() & ~lane | value >>> 8 * done << shift & lane);
            }
            done += bytes;
        }
    }

    /** How often the guest touched an offset that no register is declared at. */
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

    private Register find(long offset) {
        for (Register r : registers) {
            if (offset >= r.offset() && offset < r.offset() + r.width() / 8 && r.selected()) {
                return r;
            }
        }
        return null;
    }

    private long unassignedRead(long offset) {
        logOnce("read", offset);
        return 0xff;
    }

    private void unassignedWrite(long offset, long value) {
        logOnce("write of " + Long.toHexString(value & 0xff) + "h", offset);
    }

    private void logOnce(String what, long offset) {
        if (unassigned++ == 0) {
            LOG.log(System.Logger.Level.DEBUG, "{0}: {1} at undeclared offset {2}h", chip, what, Long.toHexString(offset));
        }
    }
}
