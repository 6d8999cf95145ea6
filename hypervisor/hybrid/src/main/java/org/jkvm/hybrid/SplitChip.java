package org.jkvm.hybrid;

import java.util.Map;
import java.util.TreeMap;
import org.jkvm.base.MsiChannel;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.time.Clock;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.kvm.KernelApics;
import org.jkvm.kvm.MsiMessage;
import org.jkvm.kvm.UserChip;
import org.jkvm.soft.chip.SoftInterruptChip;

/** The software backend's 8259As, I/O APIC and 8254 beside KVM's local APICs ({@code -machine kernel-irqchip=split}). */
final class SplitChip implements UserChip {
    private final SoftInterruptChip chip;
    private final KernelApics apics;

    /** {@code sent} is told of every interrupt, on whichever thread, with the chips' lock held. */
    SplitChip(Clock clock, KernelApics apics, Runnable sent) {
        this.apics = apics;
        this.chip = SoftInterruptChip.besideApics(clock, (address, data) -> {
            apics.signal(address, data);
            sent.run();
        }, level -> requested(level, sent));
    }

    private void requested(boolean level, Runnable sent) {
        if (level) {
            apics.interruptRequested();
            sent.run();
        }
    }

    @Override
    public ExitAnswer access(VmExit exit) {
        return switch (exit) {
            case VmExit.PortRead(int port, int size, int count) when SoftInterruptChip.ownsPort(port) -> read(port, size, count);
            case VmExit.PortWrite w when SoftInterruptChip.ownsPort(w.port()) -> write(w);
            case VmExit.MmioRead(long address, int size) when SoftInterruptChip.ownsAddress(address) ->
                    new ExitAnswer.Value(chip.readMmio(address, size));
            case VmExit.MmioWrite(long address, int size, long value) when SoftInterruptChip.ownsAddress(address) -> {
                chip.writeMmio(address, size, value);
                redirect();
                yield ExitAnswer.NONE;
            }
            default -> null;
        };
    }

    private ExitAnswer read(int port, int size, int count) {
        if (count == 1) {
            return new ExitAnswer.Value(chip.readPort(port, size));
        }
        byte[] data = new byte[size * count];
        for (int n = 0; n < data.length; n++) {
            data[n] = (byte) (chip.readPort(port, size) >>> 8 * (n % size));
        }
        return new ExitAnswer.Data(data);
    }

    private ExitAnswer write(VmExit.PortWrite exit) {
        for (int n = 0; n < exit.count(); n++) {
            long value = 0;
            for (int b = exit.size() - 1; b >= 0; b--) {
                value = value << 8 | exit.data()[n * exit.size() + b] & 0xff;
            }
            chip.writePort(exit.port(), exit.size(), value);
        }
        return ExitAnswer.NONE;
    }

    /** The kernel tells of the end of level-triggered interrupts that it knows the vectors of. */
    private void redirect() {
        Map<Integer, MsiMessage> redirections = new TreeMap<>();
        chip.describeRedirections((pin, address, data) -> redirections.put(pin, new MsiMessage(address, data)));
        apics.redirect(redirections);
    }

    @Override
    public boolean requested() {
        return chip.requested();
    }

    @Override
    public int acknowledge() {
        return chip.acknowledge();
    }

    @Override
    public void endOfInterrupt(int vector) {
        chip.endOfInterrupt(vector);
    }

    @Override
    public void setLine(int gsi, boolean level) {
        chip.setLine(gsi, level);
    }

    @Override
    public void signal(long address, int data) {
        apics.signal(address, data);
    }

    @Override
    public MsiChannel channel() {
        return apics.channel();
    }

    @Override
    public boolean speakerOutput() {
        return chip.speakerOutput();
    }

    @Override
    public void reset() {
        chip.reset();
        redirect();
    }

    @Override
    public String describe() {
        return chip.describe();
    }

    @Override
    public void exchangeState(StateIo io) {
        chip.exchangeState(io);
        if (io.restoring()) {
            redirect();
            requested(chip.requested(), () -> { });
        }
    }

    @Override
    public void close() {
        chip.close();
    }
}
