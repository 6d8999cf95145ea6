package org.jkvm.app.vm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jkvm.app.Version;
import org.jkvm.app.chardev.IoMessages;
import org.jkvm.app.chardev.MuxBackend;
import org.jkvm.app.monitor.Monitor;
import org.jkvm.app.monitor.MonitorMachine;
import org.jkvm.app.settings.ConsoleSettings;
import org.jkvm.app.settings.VmSettings;
import org.jkvm.base.UserException;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.hybrid.HybridVm;
import org.jkvm.machine.loader.DirectBoot;
import org.jkvm.machine.pc.Pc;
import org.jkvm.machine.pc.PcConfig;
import org.jkvm.machine.run.Cause;
import org.jkvm.machine.run.LifePolicy;
import org.jkvm.machine.run.Machine;
import org.jkvm.machine.run.MachineEvent;

/** One machine from its settings to its exit status. */
public final class Session implements MuxBackend.Actions {
    private final VmSettings settings;
    private final Backend backend;
    private final Disks disks = new Disks();
    private volatile Machine machine;

    /** A session with what {@code settings} say, on {@code backend}. */
    public Session(VmSettings settings, Backend backend) {
        this.settings = settings;
        this.backend = backend;
    }

    /**
     * Runs the machine until it ends.
     *
     * @return the process's exit status
     * @throws UserException where an option or a file is at fault
     */
    public int run() {
        try (DebugLog log = new DebugLog(settings.running().logItems(), settings.running().logFile());
                Chardevs chardevs = new Chardevs(settings.consoles().chardevs(), this); Pc pc = build(chardevs)) {
            log.attach(pc.parts().devices());
            machine = pc.machine();
            disks.connect(pc);
            machine.listen(new Reports());
            monitors(pc, chardevs);
            writePidfile();
            SignalPolicy.install(machine);
            chardevs.start();
            machine.start(settings.running().paused());
            tellChoice();
            int status = machine.awaitExit();
            log.ended(pc);
            disks.end();
            return status;
        } finally {
            removePidfile();
        }
    }

    /** Said once the machine is there, so that what is wrong with an option stands alone on its line. */
    private void tellChoice() {
        if (!backend.choice().isEmpty()) {
            System.err.println("kvm: " + backend.choice());
        }
    }

    private Pc build(Chardevs chardevs) {
        try {
            return new Pc(config(chardevs), backend.hypervisor());
        } catch (RuntimeException e) {
            disks.close();
            throw e;
        }
    }

    private PcConfig config(Chardevs chardevs) {
        List<CharacterBackend> serials = new ArrayList<>();
        for (ConsoleSettings console : settings.consoles().serials()) {
            serials.add(console instanceof ConsoleSettings.None ? null : chardevs.serial(serials.size(), console));
        }
        Cards cards = new Cards(settings.devices(), disks, chardevs);
        VmSettings.Boot boot = settings.boot();
        return new PcConfig(settings.name().isEmpty() ? "pc" : settings.name(), settings.memory(), settings.smp().cpus(),
                backend.cpu(settings.cpu(), settings.smp()), DirectBoot.open(boot.kernel(), boot.initrd().orElse(""),
                boot.append()), serials, cards.cards(), cards.debug(), clock(), policy());
    }

    private LifePolicy policy() {
        return new LifePolicy(settings.running().reboot(), settings.running().shutdown(),
                Path.of(System.getProperty("java.io.tmpdir")));
    }

    /** The time of day that the guest's clock shows, as if it were UTC. */
    private InstantSource clock() {
        VmSettings.Clock clock = settings.running().clock();
        Clock host = Clock.systemUTC();
        Instant now = host.instant();
        LocalDateTime start = clock.date().orElseGet(() ->
                LocalDateTime.ofInstant(now, clock.local() ? ZoneId.systemDefault() : ZoneOffset.UTC));
        return Clock.offset(host, Duration.between(now, start.toInstant(ZoneOffset.UTC)));
    }

    private void monitors(Pc pc, Chardevs chardevs) {
        MonitorMachine target = new MachineMonitor(pc, settings.name(), new MachineTopics(pc).list(chardevs, disks),
                commands(pc), backend.disassembler());
        for (CharacterBackend device : chardevs.monitors(settings.consoles())) {
            Monitor monitor = new Monitor(device, target, Version.text());
            // Before the device is connected: its thread may then hold the monitor in a command that waits for the start.
            if (device instanceof MuxBackend.FrontEnd shared) {
                shared.onFocus(monitor::show);
            } else {
                monitor.show();
            }
            device.connect(monitor);
        }
    }

    private List<MonitorMachine.Action> commands(Pc pc) {
        List<MonitorMachine.Action> all = new ArrayList<>(new DiskCommands(disks, pc.clock()).list());
        all.addAll(new HotplugCommands(pc, disks).list());
        if (pc.virtualMachine() instanceof HybridVm vm) {
            all.add(new EngineCommand(pc, vm).action());
        }
        return all;
    }

    @Override
    public void exit() {
        machine.quit(Cause.HOST_QUIT);
    }

    @Override
    public void flushDisks() {
        disks.flush();
    }

    private void writePidfile() {
        Optional<Path> file = settings.running().pidfile();
        try {
            if (file.isPresent()) {
                Files.writeString(file.get(), ProcessHandle.current().pid() + "\n");
            }
        } catch (IOException e) {
            throw new UserException("-pidfile " + file.get() + ": cannot create it: " + IoMessages.reason(e));
        }
    }

    private void removePidfile() {
        settings.running().pidfile().ifPresent(file -> file.toFile().delete());
    }

    /** Says on the standard error output what the user did not ask for. */
    private static final class Reports implements Consumer<MachineEvent> {
        @Override
        public void accept(MachineEvent event) {
            switch (event) {
                case MachineEvent.InternalError(String reason) -> System.err.println("kvm: " + reason);
                case MachineEvent.BlockIoError(String reason) -> System.err.println("kvm: stopped: " + reason);
                case MachineEvent.Shutdown(Cause cause, String detail) when cause == Cause.TRIPLE_FAULT ->
                        System.err.println("kvm: triple fault\n" + detail);
                case MachineEvent.Shutdown _, MachineEvent.Resume _, MachineEvent.Stop _, MachineEvent.Reset _,
                     MachineEvent.PowerDown _ -> {
                    // What was asked for needs no words.
                }
            }
        }
    }
}
