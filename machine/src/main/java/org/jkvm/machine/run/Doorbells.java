package org.jkvm.machine.run;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jkvm.devices.bus.AddressSpace;
import org.jkvm.hypervisor.Doorbell;
import org.jkvm.hypervisor.VirtualMachine;

/**
 * Has the backend answer writes that only say that there is work, where it can: the vCPU goes on, and the device hears of it on
 * the backend's thread. Called with the bus lock held.
 */
final class Doorbells implements AddressSpace.Listener {
    /** A virtio device's notifications (virtio 1.2, section 4.1.5.2). */
    private static final int SIZE = 2;

    private final VirtualMachine vm;
    private final Bus bus;
    private final Map<Long, Doorbell> bells = new HashMap<>();

    Doorbells(VirtualMachine vm, Bus bus) {
        this.vm = vm;
        this.bus = bus;
    }

    @Override
    public void mapped(AddressSpace.Window window) {
        for (int offset : window.handler().doorbells()) {
            long address = window.start() + offset;
            Optional<Doorbell> bell = vm.doorbell(address, SIZE, rung -> bus.executor().execute(() -> answer(address, rung)));
            bell.ifPresent(b -> bells.put(address, b));
        }
    }

    @Override
    public void unmapping(AddressSpace.Window window) {
        List<Long> gone = Arrays.stream(window.handler().doorbells()).mapToObj(offset -> window.start() + offset).toList();
        gone.forEach(address -> Optional.ofNullable(bells.remove(address)).ifPresent(bell -> {
            answer(address, bell);
            bell.close();
        }));
    }

    /** Answers those that have rung. */
    void answer() {
        Map.copyOf(bells).forEach(this::answer);
    }

    /** Closes all of them. */
    void close() {
        bells.values().forEach(Doorbell::close);
        bells.clear();
    }

    private void answer(long address, Doorbell bell) {
        if (bell.take()) {
            bus.ring(address, SIZE);
        }
    }
}
