package org.jkvm.base.register;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import org.jkvm.base.Bits;

/**
 * One register of a chip, declared as the datasheet does: name, offset, width, reset value, which bits can be written.
 * Made by {@link RegisterFile#register}; the calls below refine the declaration and are made once, at construction.
 */
public final class Register {
    private final String name;
    private final int offset;
    private final int width;
    private final List<Field> fields = new ArrayList<>();
    private Side side = Side.BOTH;
    private String summary = "";
    private long reset;
    private long writable;
    private long clearedByOne;
    private long unmodelled;
    private BooleanSupplier bank = () -> true;
    private String bankName = "";
    private LongSupplier onRead;
    private LongConsumer onWrite;
    private boolean readable = true;
    private boolean saved = true;
    private boolean unmodelledTouched;
    private long value;

    private enum Side { BOTH, READ, WRITE }

    /** A named group of bits, for traces and generated pages. Bits that aren't {@code modelled} are kept but do nothing. */
    public record Field(String name, int high, int low, String summary, boolean modelled) {
        private long mask() {
            return Bits.mask(high - low + 1) << low;
        }
    }

    Register(String name, int offset, int width) {
        if (width != 8 && width != 16 && width != 32 && width != 64) {
            throw new IllegalArgumentException(name + ": a register has 8, 16, 32 or 64 bits, not " + width);
        }
        this.name = name;
        this.offset = offset;
        this.width = width;
        this.writable = Bits.mask(width);
    }

    /** What it is for, in the datasheet's words. */
    public Register summary(String text) {
        summary = text;
        return this;
    }

    /** The value after reset; zero where not said. */
    public Register reset(long resetValue) {
        reset = resetValue & Bits.mask(width);
        value = reset;
        return this;
    }

    /** Which bits a write changes; all where not said. */
    public Register writable(long mask) {
        writable = mask;
        return this;
    }

    /** No bit can be written; a write is ignored. */
    public Register readOnly() {
        return writable(0);
    }

    /** Reads as zero; only writes reach it. */
    public Register writeOnly() {
        readable = false;
        return this;
    }

    /** Read only, and sharing its offset with a register that is {@link #writeSide}: RBR and THR, IIR and FCR. */
    public Register readSide() {
        side = Side.READ;
        return readOnly();
    }

    /** Write only, and sharing its offset with a register that is {@link #readSide}. */
    public Register writeSide() {
        side = Side.WRITE;
        return writeOnly();
    }

    /** Bits that a write of one clears (RW1C). */
    public Register clearedByOne(long mask) {
        clearedByOne = mask;
        return this;
    }

    /** Seen at its offset only while {@code selected}; {@code label} names the condition ("DLAB=1"). */
    public Register bank(String label, BooleanSupplier selected) {
        bankName = label;
        bank = selected;
        return this;
    }

    /** Names bits {@code high} to {@code low}. */
    public Register field(String fieldName, int high, int low, String fieldSummary) {
        return add(new Field(fieldName, high, low, fieldSummary, true));
    }

    /** Names one bit. */
    public Register bit(String fieldName, int bit, String fieldSummary) {
        return field(fieldName, bit, bit, fieldSummary);
    }

    /** Names bits that keep what is written but do nothing; a guest that changes them is logged once. */
    public Register unmodelled(String fieldName, int high, int low, String fieldSummary) {
        Field field = new Field(fieldName, high, low, fieldSummary, false);
        unmodelled |= field.mask();
        return add(field);
    }

    /** Computes what a read returns, in place of the stored value; may have side effects, as reads of FIFOs do. */
    public Register onRead(LongSupplier hook) {
        onRead = hook;
        return this;
    }

    /**
     * Called after a write with the value as written, all bits; the stored value is already masked and merged. The
     * hook sees the register's new value in {@link #get()}.
     */
    public Register onWrite(LongConsumer hook) {
        onWrite = hook;
        return this;
    }

    /**
     * Holds no state of its own: what its hooks read and write is saved elsewhere. What a write leaves in
     * {@link #get()} is gone after its hook.
     */
    public Register notSaved() {
        saved = false;
        return this;
    }

    /** The stored value. */
    public long get() {
        return value;
    }

    /** Bits {@code high} to {@code low} of the stored value. */
    public int get(int high, int low) {
        return (int) Bits.extract(value, high, low);
    }

    /** Sets the stored value, masks and hooks aside: for the chip itself. */
    public void set(long newValue) {
        value = newValue & Bits.mask(width);
    }

    /** Whether bit {@code bit} of the stored value is one. */
    public boolean isSet(int bit) {
        return Bits.isSet(value, bit);
    }

    /** Sets or clears one bit of the stored value. */
    public void setBit(int bit, boolean on) {
        set(Bits.with(value, bit, on));
    }

    /** Its name, as in the datasheet. */
    public String name() {
        return name;
    }

    /** Its byte offset in the window. */
    public int offset() {
        return offset;
    }

    /** Its width in bits. */
    public int width() {
        return width;
    }

    /** Its declared fields. */
    public List<Field> fields() {
        return List.copyOf(fields);
    }

    /** A row for the generated page: offset, name, bank, width, reset, access, summary. */
    public List<String> describe() {
        return List.of(Integer.toHexString(offset) + "h", name, bankName, Integer.toString(width),
                Long.toHexString(reset) + "h", access(), summary);
    }

    /** {@code seen} as a trace shows it: the number, then the fields that aren't zero ("3h WLS=3", "1h ERBFI"). */
    public String text(long seen) {
        StringBuilder s = new StringBuilder(Long.toHexString(seen)).append('h');
        for (Field f : fields) {
            long part = Bits.extract(seen, f.high, f.low);
            if (part != 0) {
                s.append(' ').append(f.name).append(f.high == f.low ? "" : "=" + Long.toHexString(part));
            }
        }
        return s.toString();
    }

    boolean answers(boolean write) {
        return side != (write ? Side.READ : Side.WRITE) && bank.getAsBoolean();
    }

    boolean saved() {
        return saved;
    }

    /** What the bytes that a narrow write does not address carry: a one there must not clear anything. */
    long unaddressed() {
        return value & ~clearedByOne;
    }

    long guestRead() {
        return onRead != null ? onRead.getAsLong() : readable ? value : 0;
    }

    void guestWrite(long written) {
        long plain = writable & ~clearedByOne;
        set(written & plain | value & ~plain & ~(written & clearedByOne));
        if (onWrite != null) {
            onWrite.accept(written & Bits.mask(width));
        }
        if (!saved) {
            value = reset;
        }
    }

    /** Whether {@code written} is the first to change bits that do nothing. */
    boolean touchesUnmodelled(long written) {
        boolean first = !unmodelledTouched && ((written ^ reset) & unmodelled) != 0;
        unmodelledTouched |= first;
        return first;
    }

    void toReset() {
        value = reset;
    }

    private Register add(Field field) {
        if (field.low < 0 || field.high < field.low || field.high >= width) {
            throw new IllegalArgumentException(name + "." + field.name + ": no such bits");
        }
        fields.add(field);
        return this;
    }

    private String access() {
        if (!readable && onRead == null) {
            return "WO";
        }
        if (side == Side.READ || writable == 0 && clearedByOne == 0 && onWrite == null) {
            return "RO";
        }
        return clearedByOne != 0 ? "RW1C" : "RW";
    }
}
