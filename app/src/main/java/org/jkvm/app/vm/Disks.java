package org.jkvm.app.vm;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jkvm.app.cli.Suggestion;
import org.jkvm.app.settings.BlockNode;
import org.jkvm.base.UserException;
import org.jkvm.machine.pc.Pc;
import org.jkvm.storage.live.Drive;
import org.jkvm.storage.live.Job;
import org.jkvm.storage.live.LiveDisk;
import org.jkvm.storage.live.Source;
import org.jkvm.storage.live.Throttle;

/** The disks of a machine by name: opened here, closed by the machine. Thread-safe. */
final class Disks {
    private final Map<String, Attached> drives = new LinkedHashMap<>();
    private final Map<String, Throttle> groups = new HashMap<>();

    /** A disk, what described it, and the device that shows it; empty where none does. */
    record Attached(BlockNode node, LiveDisk live, String device) {
        Drive drive() {
            return live.drive();
        }
    }

    /**
     * Opens a disk for {@code device}.
     *
     * @throws UserException naming the option
     */
    synchronized Drive open(BlockNode node, String device) {
        if (drives.containsKey(node.name())) {
            throw new UserException(node.option() + ": there is a drive '" + node.name() + "' already");
        }
        try {
            Source source = new Source(node.file(), node.open(), node.tuning().temporary());
            Drive drive = new Drive(node.name(), source, throttle(node), node.tuning().detectZeroes());
            drive.image().warnings().forEach(warning -> System.err.println("kvm: warning: " + warning));
            drive.onFailure(new DiskFailures(node));
            drives.put(node.name(), new Attached(node, new LiveDisk(drive, Disks::ended), device));
            return drive;
        } catch (UserException e) {
            throw new UserException(node.option() + ": " + e.getMessage());
        }
    }

    private static void ended(Job job) {
        if (!job.failure().isEmpty()) {
            System.err.println("kvm: disk '" + job.drive().name() + "': " + job.type() + " job failed: " + job.failure());
        }
    }

    /** The last one of a group that names limits sets them. */
    private Throttle throttle(BlockNode node) {
        String group = node.tuning().group();
        Throttle throttle = group.isEmpty() ? new Throttle() : groups.computeIfAbsent(group, _ -> new Throttle());
        if (!node.tuning().limits().buckets().isEmpty()) {
            throttle.setLimits(node.tuning().limits());
        }
        return throttle;
    }

    /** All of them, in the order they were opened. */
    synchronized Collection<Attached> all() {
        return List.copyOf(drives.values());
    }

    /**
     * The disk of that name, or of the device of that name.
     *
     * @throws UserException where there is none
     */
    synchronized Attached get(String name) {
        return drives.values().stream().filter(a -> a.node.name().equals(name) || a.device.equals(name)).findFirst()
                .orElseThrow(() -> new UserException("there is no disk '" + name + "'"
                        + Suggestion.hint(name, drives.keySet())));
    }

    /** The guest's devices hear of changes of size. */
    void connect(Pc pc) {
        all().forEach(a -> connect(pc, a));
    }

    /** The guest's device for {@code attached} hears of changes of size. */
    static void connect(Pc pc, Attached attached) {
        attached.drive().onResize(() -> pc.bus().locked(() ->
                pc.cards().disk(attached.device).ifPresent(disk -> disk.capacityChanged())));
    }

    /** Closes everything: where the machine could not be built. */
    synchronized void close() {
        drives.values().forEach(a -> a.live.close());
        drives.clear();
    }

    /** Has {@code device} show the disk {@code name}; returns that. */
    synchronized Attached attach(String name, String device) {
        Attached shown = new Attached(get(name).node, get(name).live, device);
        drives.put(name, shown);
        return shown;
    }

    /** The guest has let go of the device {@code id}: closes the disk that it showed. */
    void detached(String id) {
        Optional<Attached> gone = all().stream().filter(a -> a.device.equals(id)).findFirst();
        gone.ifPresent(a -> {
            synchronized (this) {
                drives.remove(a.node.name());
            }
            a.live.close();
        });
    }

    /** Closes a disk that no device shows, and forgets it. */
    synchronized void remove(String name) {
        Attached a = get(name);
        if (!a.device.isEmpty()) {
            throw new UserException("disk '" + name + "' is in use by device '" + a.device + "': device_del first");
        }
        drives.remove(a.node.name());
        a.live.close();
    }

    /** Ends what goes on with the disks, and closes those that no device shows: where the machine has ended. */
    synchronized void end() {
        for (Attached a : drives.values()) {
            a.live.endJob();
            if (a.device.isEmpty()) {
                a.live.close();
            }
        }
    }

    /** Makes durable what the disks have cached; returns when that is done, or said why not. */
    void flush() {
        List<CompletableFuture<Void>> flushes = new ArrayList<>();
        all().forEach(a -> flushes.add(a.drive().flush()));
        for (CompletableFuture<Void> flush : flushes) {
            try {
                flush.join();
            } catch (CompletionException e) {
                System.err.println("kvm: flushing the disks: " + e.getCause().getMessage());
            }
        }
    }
}
