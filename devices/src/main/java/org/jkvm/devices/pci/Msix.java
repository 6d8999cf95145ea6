package org.jkvm.devices.pci;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jkvm.base.Bits;
import org.jkvm.base.IoHandler;
import org.jkvm.base.MsiChannel;
import org.jkvm.base.MsiSink;
import org.jkvm.base.register.Register;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;

/**
 * Message-signalled interrupts, extended (PCI 3.0, section 6.8.2): the capability, the vector table and the array of
 * pending bits, both in a base address register of their own. A vector that is signalled while masked is remembered and
 * sent when the mask goes. Single-threaded: the caller holds the bus lock.
 */
public final class Msix implements Stateful {
    /** Most vectors a function can have. */
    public static final int MAX_VECTORS = 2048;
    private static final int CAPABILITY_ID = 0x11;
    private static final int FUNCTION_MASK = 14;
    private static final int ENABLE = 15;
    private static final int ENTRY = 16;
    private static final int DATA = 8;
    private static final int CONTROL = 12;
    private static final int MIN_WINDOW = 4096;
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private final PciFunction function;
    /** A vector's way to the interrupt controllers, each. */
    private final List<MsiChannel> channels;
    private final int vectors;
    private final int pendingOffset;
    private final byte[] table;
    private final byte[] pending;
    private final Register control;

    /**
     * Adds MSI-X to {@code function}.
     *
     * @param bar     index of the base address register that will hold table and pending bits
     * @param vectors how many, 1 to {@link #MAX_VECTORS}
     */
    public Msix(PciFunction function, int bar, int vectors, MsiSink sink) {
        this.function = function;
        this.channels = Stream.generate(sink::channel).limit(vectors).toList();
        this.vectors = vectors;
        table = new byte[vectors * ENTRY];
        pending = new byte[Math.ceilDiv(vectors, 64) * 8];
        pendingOffset = Math.max(MIN_WINDOW / 2, table.length);
        long window = Math.max(MIN_WINDOW, Long.highestOneBit(pendingOffset + pending.length - 1) << 1);
        function.bar(bar, Bar.Kind.MEMORY_32, window, new TableWindow());
        control = declare(function.capability("MSI-X", CAPABILITY_ID, 12), bar);
        maskAll();
    }

    private Register declare(int offset, int bar) {
        Register messageControl = function.config().register("MSI-X Message Control", offset + 2, 16).reset(vectors - 1)
                .writable(1 << ENABLE | 1 << FUNCTION_MASK).onWrite(written -> sendPending())
                .field("Table Size", 10, 0, "vectors less one").bit("Function Mask", FUNCTION_MASK, "masks every vector")
                .bit("MSI-X Enable", ENABLE, "messages in place of INTx#");
        function.config().register("MSI-X Table", offset + 4, 32).reset(bar).readOnly()
                .field("Offset", 31, 3, "of the table").field("BIR", 2, 0, "base address register of the table");
        function.config().register("MSI-X PBA", offset + 8, 32).reset(pendingOffset | bar).readOnly()
                .field("Offset", 31, 3, "of the pending bits")
                .field("BIR", 2, 0, "base address register of the pending bits");
        return messageControl;
    }

    /** How many vectors there are. */
    public int vectors() {
        return vectors;
    }

    /** Whether messages are used in place of the interrupt pin. */
    public boolean enabled() {
        return control.isSet(ENABLE);
    }

    /** Signals vector {@code vector}: sends its message, or remembers it while masked. Does nothing while not enabled. */
    public void signal(int vector) {
        if (!enabled() || vector < 0 || vector >= vectors) {
            return;
        }
        if (masked(vector)) {
            setPending(vector, true);
        } else {
            send(vector);
        }
    }

    /** Every vector masked, nothing pending; the function resets the capability with its configuration space. */
    public void reset() {
        maskAll();
        channels.forEach(MsiChannel::release);
    }

    @Override
    public void exchangeState(StateIo io) {
        io.bytes("table", table);
        io.bytes("pending", pending);
    }

    private void maskAll() {
        Arrays.fill(table, (byte) 0);
        Arrays.fill(pending, (byte) 0);
        for (int vector = 0; vector < vectors; vector++) {
            INT.set(table, vector * ENTRY + CONTROL, 1);
        }
    }

    private boolean masked(int vector) {
        return control.isSet(FUNCTION_MASK) || (entry(vector, CONTROL) & 1) != 0;
    }

    private int entry(int vector, int field) {
        return (int) INT.get(table, vector * ENTRY + field);
    }

    /** A message is a memory write: a function that may not master the bus can't send it. */
    private void send(int vector) {
        if (function.busMaster()) {
            long address = entry(vector, 0) & 0xffff_fffcL | (long) entry(vector, 4) << 32;
            channels.get(vector).signal(address, entry(vector, DATA));
        }
    }

    private void sendPending() {
        for (int vector = 0; vector < vectors; vector++) {
            sendIfPending(vector);
        }
    }

    private void sendIfPending(int vector) {
        if (isPending(vector) && enabled() && !masked(vector)) {
            setPending(vector, false);
            send(vector);
        }
    }

    private boolean isPending(int vector) {
        return Bits.isSet(pending[vector >> 3], vector & 7);
    }

    private void setPending(int vector, boolean on) {
        pending[vector >> 3] = (byte) Bits.with(pending[vector >> 3], vector & 7, on);
    }

    /** Table and pending bits; doubleword and quadword accesses only (section 6.8.2). */
    private final class TableWindow implements IoHandler {
        @Override
        public long read(long offset, int size) {
            long value = word(offset & ~3L);
            return size == 8 ? value | word((offset & ~3L) + 4) << 32 : value >>> 8 * (offset & 3);
        }

        @Override
        public void write(long offset, int size, long value) {
            if ((size == 4 || size == 8) && (offset & size - 1) == 0) {
                writeWord(offset, (int) value);
                if (size == 8) {
                    writeWord(offset + 4, (int) (value >>> 32));
                }
            }
        }

        private long word(long offset) {
            if (offset <= table.length - 4) {
                return (int) INT.get(table, (int) offset) & 0xffff_ffffL;
            }
            long inPending = offset - pendingOffset;
            boolean inside = inPending >= 0 && inPending <= pending.length - 4;
            return inside ? (int) INT.get(pending, (int) inPending) & 0xffff_ffffL : 0;
        }

        /** Pending bits are read-only. */
        private void writeWord(long offset, int value) {
            if (offset <= table.length - 4) {
                boolean isControl = (offset & ENTRY - 1) == CONTROL;
                INT.set(table, (int) offset, isControl ? value & 1 : value);
                sendIfPending((int) offset / ENTRY);
            }
        }
    }
}
