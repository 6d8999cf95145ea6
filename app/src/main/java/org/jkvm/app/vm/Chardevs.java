package org.jkvm.app.vm;

import java.net.SocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jkvm.app.chardev.FileBackend;
import org.jkvm.app.chardev.MuxBackend;
import org.jkvm.app.chardev.PtyBackend;
import org.jkvm.app.chardev.Sockets;
import org.jkvm.app.chardev.StdioBackend;
import org.jkvm.app.cli.ChardevSpec;
import org.jkvm.app.cli.Suggestion;
import org.jkvm.app.settings.ConsoleSettings;
import org.jkvm.app.settings.VmSettings;
import org.jkvm.base.UserException;
import org.jkvm.base.backend.CharacterBackend;

/** The character devices of a machine: opens them, hands them out, closes them. One thread at a time. */
final class Chardevs implements AutoCloseable {
    private final MuxBackend.Actions actions;
    private final Map<String, Entry> named = new LinkedHashMap<>();
    private final List<CharacterBackend> handedOut = new ArrayList<>();
    private final List<MuxBackend> muxes = new ArrayList<>();
    private final List<String> descriptions = new ArrayList<>();
    private final List<CharacterBackend> monitors = new ArrayList<>();
    private boolean stdioTaken;

    /** An open device: shared, or free until somebody takes it. */
    private static final class Entry {
        private final MuxBackend mux;
        private CharacterBackend free;

        Entry(MuxBackend mux, CharacterBackend free) {
            this.mux = mux;
            this.free = free;
        }
    }

    /** Opens the named devices. */
    Chardevs(List<ChardevSpec.Named> specs, MuxBackend.Actions actions) {
        this.actions = actions;
        try {
            specs.forEach(this::add);
        } catch (UserException e) {
            close();
            throw e;
        }
    }

    private void add(ChardevSpec.Named spec) {
        String option = "-chardev " + spec.id();
        if (named.containsKey(spec.id())) {
            throw new UserException(option + ": there is a character device '" + spec.id() + "' already");
        }
        CharacterBackend backend = open(option, spec.id(), spec.spec());
        if (!spec.mux()) {
            handedOut.add(backend);
        }
        named.put(spec.id(), spec.mux() ? new Entry(mux(backend), null) : new Entry(null, backend));
    }

    private MuxBackend mux(CharacterBackend backend) {
        MuxBackend mux = new MuxBackend(backend, actions);
        muxes.add(mux);
        return mux;
    }

    /** The device for a serial port; the monitor that may share it is remembered for {@link #monitors}. */
    CharacterBackend serial(int index, ConsoleSettings console) {
        return device("serial" + index, console);
    }

    private CharacterBackend device(String label, ConsoleSettings console) {
        return switch (console) {
            case ConsoleSettings.None() -> CharacterBackend.NULL;
            case ConsoleSettings.Own(String option, ChardevSpec spec) -> own(option, label, spec);
            case ConsoleSettings.Referred(String option, String id) -> take(option, id);
            case ConsoleSettings.WithMonitor(String option, ChardevSpec spec) -> {
                MuxBackend mux = mux(open(option, label, spec));
                CharacterBackend serial = frontEnd(mux);
                monitors.add(frontEnd(mux));
                yield serial;
            }
        };
    }

    /** The devices for the monitors: those that share a serial port's, then {@code consoles}. */
    List<CharacterBackend> monitors(VmSettings.Consoles consoles) {
        int index = 0;
        for (ConsoleSettings console : consoles.monitors()) {
            monitors.add(device("monitor" + index++, console));
        }
        return monitors;
    }

    private CharacterBackend own(String option, String label, ChardevSpec spec) {
        CharacterBackend backend = open(option, label, spec);
        handedOut.add(backend);
        return backend;
    }

    /** The -chardev of that name, for whoever refers to it by {@code option}. */
    CharacterBackend take(String option, String id) {
        Entry entry = Optional.ofNullable(named.get(id)).orElseThrow(() ->
                new UserException(option + ": there is no -chardev '" + id + "'" + Suggestion.hint(id, named.keySet())));
        if (entry.mux != null) {
            return frontEnd(entry.mux);
        }
        if (entry.free == null) {
            throw new UserException(option + ": character device '" + id + "' is in use (mux=on shares it)");
        }
        CharacterBackend backend = entry.free;
        entry.free = null;
        return backend;
    }

    private CharacterBackend frontEnd(MuxBackend mux) {
        CharacterBackend frontEnd = mux.frontEnd();
        handedOut.add(frontEnd);
        return frontEnd;
    }

    private CharacterBackend open(String option, String label, ChardevSpec spec) {
        descriptions.add(label + ": " + describe(spec));
        try {
            return switch (spec) {
                case ChardevSpec.Null() -> CharacterBackend.NULL;
                case ChardevSpec.Stdio(boolean signal) -> stdio(signal);
                case ChardevSpec.File(Path path, boolean append) -> new FileBackend(path, append);
                case ChardevSpec.Pty() -> pty(label);
                case ChardevSpec.Server(SocketAddress address, boolean await) -> Sockets.server(label, address, await);
                case ChardevSpec.Client(SocketAddress address, int reconnect) ->
                        Sockets.client(label, address, reconnect);
            };
        } catch (UserException e) {
            throw new UserException(option + ": " + e.getMessage());
        }
    }

    private static String describe(ChardevSpec spec) {
        return switch (spec) {
            case ChardevSpec.Null() -> "null";
            case ChardevSpec.Stdio _ -> "stdio";
            case ChardevSpec.File(Path path, _) -> "file " + path;
            case ChardevSpec.Pty() -> "pty";
            case ChardevSpec.Server(SocketAddress address, _) -> "server at " + address;
            case ChardevSpec.Client(SocketAddress address, _) -> "client of " + address;
        };
    }

    private CharacterBackend stdio(boolean signal) {
        if (stdioTaken) {
            throw new UserException("cannot use stdio by multiple character devices");
        }
        stdioTaken = true;
        return new StdioBackend(signal);
    }

    private static CharacterBackend pty(String label) {
        PtyBackend pty = new PtyBackend();
        System.err.println("char device redirected to " + pty.path() + " (label " + label + ")");
        return pty;
    }

    /** Begins to read shared devices. To be called when all users are connected. */
    void start() {
        muxes.forEach(MuxBackend::start);
    }

    /** What {@code info chardev} says. */
    String describe() {
        return String.join("\n", descriptions) + "\n";
    }

    @Override
    public void close() {
        handedOut.forEach(CharacterBackend::close);
    }
}
