package org.jkvm.hybrid;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jkvm.base.MsiChannel;
import org.jkvm.hypervisor.Doorbell;
import org.jkvm.hypervisor.PostedWrites;
import org.jkvm.hypervisor.VirtualMachine;

/**
 * What the hardware's machine does for devices by itself, wherever the guest is: doorbells, writes that are kept back, messages
 * that an event sends. What runs in software has exits instead. Changes engines while no vCPU runs.
 */
final class Offload {
    private final List<Bell> bells = new CopyOnWriteArrayList<>();
    private final List<Predicate<VirtualMachine>> ranges = new CopyOnWriteArrayList<>();
    /** The hardware's machine while it runs the guest. */
    private volatile Optional<VirtualMachine> hardware = Optional.empty();

    /** Has {@code next} do the same as the present one, and returns what makes it the present one. */
    Runnable prepare(Optional<VirtualMachine> next) {
        ranges.forEach(range -> next.ifPresent(range::test));
        List<Runnable> prepared = bells.stream().map(bell -> bell.prepare(next)).toList();
        return () -> {
            hardware = next;
            prepared.forEach(Runnable::run);
        };
    }

    Doorbell doorbell(long address, int size, Consumer<Doorbell> rings) {
        Bell bell = new Bell(address, size, rings);
        bells.add(bell);
        bell.prepare(hardware).run();
        return bell;
    }

    /** Has the hardware's machine keep a range of writes back, by {@code range}, now and after every move. */
    void post(Predicate<VirtualMachine> range) {
        ranges.add(range);
        hardware.ifPresent(range::test);
    }

    void deliverPosted(PostedWrites to) {
        hardware.ifPresent(vm -> vm.deliverPosted(to));
    }

    /**
     * A source's way to the interrupt chip, whichever it is: the hardware's own, where {@code sent} hears of each message, or the
     * common one.
     */
    MsiChannel channel(MsiChannel common, Runnable sent) {
        return new Channel(common, sent);
    }

    private final class Bell implements Doorbell {
        private final long address;
        private final int size;
        private final Consumer<Doorbell> rings;
        private volatile Optional<Doorbell> now = Optional.empty();
        private volatile boolean rangBefore;

        Bell(long address, int size, Consumer<Doorbell> rings) {
            this.address = address;
            this.size = size;
            this.rings = rings;
        }

        Runnable prepare(Optional<VirtualMachine> next) {
            Optional<Doorbell> made = next.flatMap(vm -> vm.doorbell(address, size, rung -> rings.accept(this)));
            return () -> become(made);
        }

        private void become(Optional<Doorbell> next) {
            rangBefore = take();
            now.ifPresent(Doorbell::close);
            now = next;
            if (rangBefore) {
                rings.accept(this);
            }
        }

        @Override
        public boolean take() {
            boolean before = rangBefore;
            rangBefore = false;
            return now.map(Doorbell::take).orElse(false) || before;
        }

        @Override
        public void close() {
            bells.remove(this);
            now.ifPresent(Doorbell::close);
            now = Optional.empty();
        }
    }

    private final class Channel implements MsiChannel {
        private final MsiChannel common;
        private final Runnable sent;
        private Optional<VirtualMachine> of = Optional.empty();
        private MsiChannel now;

        Channel(MsiChannel common, Runnable sent) {
            this.common = common;
            this.sent = sent;
            this.now = common;
        }

        @Override
        public void signal(long address, int data) {
            MsiChannel way = current();
            way.signal(address, data);
            if (way != common) {
                sent.run();
            }
        }

        private synchronized MsiChannel current() {
            if (!of.equals(hardware)) {
                of = hardware;
                now = of.map(vm -> vm.interruptChip().channel()).orElse(common);
            }
            return now;
        }

        @Override
        public synchronized void release() {
            now.release();
        }
    }
}
