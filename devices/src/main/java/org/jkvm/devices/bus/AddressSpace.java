package org.jkvm.devices.bus;

import java.util.Map;
import java.util.TreeMap;
import org.jkvm.base.IoHandler;

/**
 * Where windows of chips are mapped: the I/O port space, or the MMIO part of the physical address space. Reads that
 * nothing answers float high, as on the bus; writes are lost. A later mapping over an earlier one is refused.
 *
 * <p>Single-threaded: the caller holds the bus lock.
 */
public final class AddressSpace {
    private final String name;
    private final TreeMap<Long, Window> windows = new TreeMap<>();
    private Window last;
    private Listener listener = new Listener() {
        @Override
        public void mapped(Window window) {
            // Nobody wants to know.
        }

        @Override
        public void unmapping(Window window) {
            // Nobody wants to know.
        }
    };

    /** Told of what changes. */
    public interface Listener {
        /** {@code window} answers from now on. */
        void mapped(Window window);

        /** {@code window} is about to be taken away. */
        void unmapping(Window window);
    }

    /** One mapped window. */
    public record Window(String name, long start, long length, IoHandler handler) {
        boolean contains(long address) {
            return address - start >= 0 && address - start < length;
        }
    }

    /** An empty space. */
    public AddressSpace(String name) {
        this.name = name;
    }

    /** From now on {@code newListener} is told of windows; first of those that there are. */
    public void listen(Listener newListener) {
        listener = newListener;
        windows.values().forEach(listener::mapped);
    }

    /**
     * Maps {@code handler} at {@code start}.
     *
     * @throws IllegalArgumentException when the range overlaps a mapped one
     */
    public Window map(String owner, long start, long length, IoHandler handler) {
        Window window = new Window(owner, start, length, handler);
        if (!isFree(start, length)) {
            throw new IllegalArgumentException(name + ": " + owner + " at " + Long.toHexString(start) + "h overlaps "
                    + windows.floorEntry(start + length - 1).getValue().name);
        }
        windows.put(start, window);
        listener.mapped(window);
        return window;
    }

    /** Whether no window covers any byte of the range. */
    public boolean isFree(long start, long length) {
        Map.Entry<Long, Window> below = windows.floorEntry(start + length - 1);
        return below == null || below.getValue().start + below.getValue().length <= start;
    }

    /** Takes a window away again. */
    public void unmap(Window window) {
        listener.unmapping(window);
        windows.remove(window.start, window);
        last = null;
    }

    /** Reads {@code size} bytes at {@code address}; all ones where nothing answers. */
    public long read(long address, int size) {
        Window w = find(address);
        return w == null ? -1L : w.handler.read(address - w.start, size);
    }

    /** Writes {@code size} bytes at {@code address}. */
    public void write(long address, int size, long value) {
        Window w = find(address);
        if (w != null) {
            w.handler.write(address - w.start, size, value);
        }
    }

    /** The windows, by address. */
    public Iterable<Window> windows() {
        return windows.values();
    }

    private Window find(long address) {
        if (last != null && last.contains(address)) {
            return last;
        }
        Map.Entry<Long, Window> below = windows.floorEntry(address);
        if (below == null || !below.getValue().contains(address)) {
            return null;
        }
        last = below.getValue();
        return last;
    }
}
