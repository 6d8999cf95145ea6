package org.jkvm.app.settings;

import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Optional;
import org.jkvm.app.cli.ChardevSpec;
import org.jkvm.machine.pc.GuestRam;
import org.jkvm.soft.SoftOptions;

/**
 * Everything that a command line says about a machine.
 *
 * @param name     the guest's name, or the empty text
 * @param memory   guest memory
 * @param cpu      model and feature switches as {@code -cpu} takes them
 * @param smp      the processors
 * @param boot     what it boots
 * @param devices  devices, in the order of their slots
 * @param consoles serial ports, monitors and character devices
 * @param running  how it runs
 * @param accelerators what is to run it, the first that there is: kvm, soft, auto
 * @param engine       how the software engine is to work
 * @param splitChip    whether, on /dev/kvm, only the local APICs are the kernel's
 */
public record VmSettings(String name, GuestRam memory, String cpu, CpuTopology smp, Boot boot, List<DeviceSettings> devices,
                         Consoles consoles, Running running, List<String> accelerators, SoftOptions engine, boolean splitChip) {
    /** What is booted: the kernel, for Linux an initial RAM disk, for multiboot modules, and the command line. */
    public record Boot(Path kernel, Optional<String> initrd, String append) {
    }

    /** Character devices, and who uses them. */
    public record Consoles(List<ChardevSpec.Named> chardevs, List<ConsoleSettings> serials, List<ConsoleSettings> monitors) {
    }

    /**
     * How it runs.
     *
     * @param clock what the clock shows at the start; empty for the host's time
     */
    public record Running(boolean paused, boolean reboot, boolean shutdown, Optional<Path> pidfile, List<String> logItems,
                          Optional<Path> logFile, Clock clock) {
    }

    /**
     * The clock's base.
     *
     * @param local whether it shows local time rather than UTC
     * @param date  what it shows at the start; empty for the host's time
     */
    public record Clock(boolean local, Optional<LocalDateTime> date) {
    }
}
