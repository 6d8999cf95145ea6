package org.jkvm.machine.pc;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;
import org.jkvm.devices.Device;

/** The devices of a machine by name, in the order they were plugged in: what reset and snapshots go through. */
public final class Parts implements Stateful {
    private final Map<String, Device> devices = new LinkedHashMap<>();

    /** Adds {@code device} under a name of its own; returns it. */
    <D extends Device> D add(String name, D device) {
        if (devices.put(name, device) != null) {
            throw new IllegalArgumentException("two devices named " + name);
        }
        return device;
    }

    /** Takes the device of that name out. */
    void remove(String name) {
        devices.remove(name);
    }

    /** Every device, by name. */
    public Map<String, Device> devices() {
        return Collections.unmodifiableMap(devices);
    }

    /** The devices of type {@code type}. */
    <D> Collection<D> of(Class<D> type) {
        return devices.values().stream().filter(type::isInstance).map(type::cast).toList();
    }

    /** Resets every device. */
    void reset() {
        devices.values().forEach(Device::reset);
    }

    @Override
    public void exchangeState(StateIo io) {
        devices.forEach(io::part);
    }
}
