package org.jkvm.devices.pci;

import java.util.Collection;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.jkvm.base.Bits;
import org.jkvm.base.Line;
import org.jkvm.devices.bus.AddressSpace;

/**
 * PCI bus 0: 32 slots of 8 functions. It answers configuration cycles and keeps the functions' windows mapped in the I/O
 * and memory spaces as their registers say. Where a guest puts two windows over each other the one that was there first
 * answers, until it moves away.
 *
 * <p>Single-threaded: the caller holds the bus lock.
 */
public final class PciBus {
    /** Slots on the bus. */
    public static final int DEVICES = 32;
    /** Functions in a slot. */
    public static final int FUNCTIONS = 8;

    private final AddressSpace io;
    private final AddressSpace memory;
    private final IntxWiring wiring;
    private final TreeMap<Integer, PciFunction> functions = new TreeMap<>();

    /** An empty bus in front of the given spaces. */
    public PciBus(AddressSpace io, AddressSpace memory, IntxWiring wiring) {
        this.io = io;
        this.memory = memory;
        this.wiring = wiring;
    }

    /** Plugs a single-function device into slot {@code device} (0 to 31). */
    public void attach(int device, PciFunction function) {
        attach(device, 0, function);
    }

    /**
     * Plugs {@code added} in as function {@code function} (0 to 7) of slot {@code device} (0 to 31).
     *
     * @throws IllegalArgumentException when the place is taken or does not exist
     */
    public void attach(int device, int function, PciFunction added) {
        int place = place(device, function);
        if (device < 0 || device >= DEVICES || function < 0 || function >= FUNCTIONS || functions.containsKey(place)) {
            throw new IllegalArgumentException("PCI slot " + device + "." + function + " is taken or does not exist");
        }
        int pin = added.interruptPin();
        added.plug(this, pin == 0 ? Line.UNCONNECTED : wiring.line(device, pin));
        functions.put(place, added);
        markMultiFunction(device);
    }

    /** Takes the function in slot {@code device} (0 to 31) out, reset; returns it, or null where there is none. */
    public PciFunction detach(int device) {
        PciFunction gone = functions.get(place(device, 0));
        if (gone != null) {
            gone.reset();
            functions.remove(place(device, 0));
            gone.unplug();
        }
        return gone;
    }

    /** The function in a place, or null. */
    public PciFunction function(int device, int function) {
        return functions.get(place(device, function));
    }

    /** The first slot, from {@code from} on, that is empty. */
    public int freeDevice(int from) {
        for (int device = from; device < DEVICES; device++) {
            if (functions.subMap(place(device, 0), place(device + 1, 0)).isEmpty()) {
                return device;
            }
        }
        throw new IllegalStateException("no free PCI slot");
    }

    /** All functions, by slot. */
    public Collection<PciFunction> functions() {
        return Collections.unmodifiableCollection(functions.values());
    }

    /** The slot that {@code function} is in, times 8, plus its function number; -1 where it is not on this bus. */
    public int placeOf(PciFunction function) {
        return functions.entrySet().stream().filter(e -> e.getValue() == function).findFirst().map(Map.Entry::getKey)
                .orElse(-1);
    }

    /** A configuration read: all ones where no function answers (PCI 3.0, section 6.1). */
    public long configRead(int place, int offset, int size) {
        PciFunction function = functions.get(place);
        return function == null ? Bits.mask(8 * size) : function.config().read(offset, size);
    }

    /** A configuration write: lost where no function answers. */
    public void configWrite(int place, int offset, int size, long value) {
        PciFunction function = functions.get(place);
        if (function != null) {
            function.config().write(offset, size, value);
        }
    }

    AddressSpace io() {
        return io;
    }

    AddressSpace memory() {
        return memory;
    }

    /** Withdraws first, everywhere: what one function gives up another may claim. */
    void updateMappings() {
        functions.values().forEach(PciFunction::withdrawWindows);
        functions.values().forEach(PciFunction::claimWindows);
    }

    private void markMultiFunction(int device) {
        PciFunction first = function(device, 0);
        if (first != null && functions.subMap(place(device, 1), place(device + 1, 0)).size() > 0) {
            first.markMultiFunction();
        }
    }

    private static int place(int device, int function) {
        return device * FUNCTIONS + function;
    }
}
