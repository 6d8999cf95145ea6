package org.jkvm.app.vm;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jkvm.app.chardev.IoMessages;
import org.jkvm.app.log.Loggers;
import org.jkvm.base.UserException;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.register.RegisterTrace;
import org.jkvm.devices.Device;
import org.jkvm.hybrid.Assists;
import org.jkvm.hybrid.HybridVm;
import org.jkvm.machine.pc.Pc;
import org.jkvm.x86.translate.NativeCode;
import org.jkvm.x86.trap.Interrupts;

/**
 * What {@code -d} asks for: lines about what the guest does to its devices, on the standard error output or in the file
 * of {@code -D}. Nothing is attached, and nothing costs, where it asks for nothing.
 */
public final class DebugLog implements AutoCloseable {
    private static final String ITEMS = """
            Log items (comma separated):
            trace:PATTERN   accesses to registers of devices whose name matches PATTERN (* and ? are wildcards)
            guest_errors    what the guest does wrong
            int             interrupts and exceptions when they are delivered
            in_asm          guest code when it is translated
            out_asm         host code that it was translated to
            exec            each run of translated code, block by block
            modes           the vCPUs' time by mode, at the end, and what software does for hardware, once a kind
            unimp           first touch of registers and bits that do nothing here
            """;
    private static final String TRACE = "trace:";
    private static final String IGNORED = "unimp";
    private static final String GUEST_ERRORS = "guest_errors";
    private static final String INT = "int";
    private static final List<String> CODE = List.of("in_asm", "out_asm", "exec");
    private static final String MODES = "modes";

    private final Map<String, System.Logger.Level> loggers = new HashMap<>();
    private final List<Pattern> traced = new ArrayList<>();
    private final PrintStream out;
    private boolean ignored;
    private boolean modes;

    /**
     * A log of {@code items}.
     *
     * @throws UserException where an item is unknown or {@code file} can't be written
     */
    public DebugLog(List<String> items, Optional<Path> file) {
        items.forEach(this::take);
        out = items.isEmpty() || file.isEmpty() ? System.err : open(file.get());
        if (System.LoggerFinder.getLoggerFinder() instanceof Loggers finder) {
            finder.configure(loggers, out);
        }
    }

    /** The answer to {@code -d help}. */
    public static String help() {
        return ITEMS;
    }

    /** Listens to those of {@code devices} that were asked for; before the machine starts. */
    public void attach(Map<String, Device> devices) {
        devices.forEach((name, device) -> {
            boolean trace = traced.stream().anyMatch(p -> p.matcher(name).matches());
            if (trace || ignored) {
                device.registerFiles().forEach(file -> attach(name, file, trace));
            }
        });
    }

    /** The machine has ended: says what was asked to be said then. */
    void ended(Pc pc) {
        if (modes && pc.virtualMachine() instanceof HybridVm vm) {
            out.print(vm.describeModes());
        }
    }

    @Override
    public void close() {
        if (out != System.err) {
            out.close();
        }
    }

    private void take(String item) {
        if (item.equals(IGNORED)) {
            ignored = true;
        } else if (item.equals(GUEST_ERRORS)) {
            loggers.put("org.jkvm.", System.Logger.Level.WARNING);
        } else if (item.equals(MODES)) {
            modes = true;
            loggers.put(Assists.class.getName(), System.Logger.Level.INFO);
        } else if (item.equals(INT)) {
            loggers.put(Interrupts.class.getName(), System.Logger.Level.DEBUG);
        } else if (CODE.contains(item)) {
            loggers.put(NativeCode.LOG + item, System.Logger.Level.DEBUG);
        } else if (item.startsWith(TRACE)) {
            traced.add(glob(item.substring(TRACE.length())));
        } else {
            throw new UserException("-d " + item + ": no such log item; '-d help' lists them", UserException.USAGE);
        }
    }

    private static Pattern glob(String pattern) {
        return Pattern.compile("\\Q" + pattern.replace("*", "\\E.*\\Q").replace("?", "\\E.\\Q") + "\\E");
    }

    private static PrintStream open(Path file) {
        try {
            return new PrintStream(Files.newOutputStream(file), true, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UserException("-D " + file + ": cannot write it: " + IoMessages.reason(e));
        }
    }

    private void attach(String name, RegisterFile file, boolean trace) {
        file.trace(new RegisterTrace() {
            @Override
            public void access(String chip, String register, boolean write, long value, Supplier<String> text) {
                if (trace) {
                    out.println(name + ": " + (write ? "write " : "read ") + chip + "." + register + " " + text.get());
                }
            }

            @Override
            public void ignored(String chip, String what) {
                if (ignored) {
                    out.println(name + ": " + chip + ": " + what);
                }
            }
        });
    }
}
