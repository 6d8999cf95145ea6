package org.jkvm.devices;

import java.util.Arrays;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;

/** A queue of at most {@code capacity} bytes, as chips have them: full means the newcomer is refused. */
public final class ByteFifo implements Stateful {
    private final int capacity;
    private byte[] bytes;
    private int size;

    /** An empty queue. */
    public ByteFifo(int capacity) {
        this.capacity = capacity;
        this.bytes = new byte[capacity];
    }

    /** Appends the low byte of {@code value}; says whether there was room. */
    public boolean push(int value) {
        if (size == capacity) {
            return false;
        }
        bytes[size++] = (byte) value;
        return true;
    }

    /** Takes the oldest byte. Only where {@link #size()} is not zero. */
    public int pop() {
        int first = at(0);
        System.arraycopy(bytes, 1, bytes, 0, --size);
        bytes[size] = 0;
        return first;
    }

    /** The byte that is {@code index} places behind the oldest. */
    public int at(int index) {
        if (index >= size) {
            throw new IndexOutOfBoundsException(index);
        }
        return bytes[index] & 0xff;
    }

    /** Changes the byte that is {@code index} places behind the oldest. */
    public void replace(int index, int value) {
        at(index);
        bytes[index] = (byte) value;
    }

    /** Bytes in the queue. */
    public int size() {
        return size;
    }

    /** Bytes that still fit. */
    public int room() {
        return capacity - size;
    }

    /** Empties it. */
    public void clear() {
        Arrays.fill(bytes, 0, size, (byte) 0);
        size = 0;
    }

    @Override
    public void exchangeState(StateIo io) {
        byte[] kept = io.blob("bytes", Arrays.copyOf(bytes, size), capacity);
        bytes = Arrays.copyOf(kept, capacity);
        size = kept.length;
    }
}
