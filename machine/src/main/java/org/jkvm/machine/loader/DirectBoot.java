package org.jkvm.machine.loader;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.UserException;
import org.jkvm.machine.memory.MemoryMap;

/**
 * What {@code -kernel}, {@code -initrd} and {@code -append} name: files that stay open, and are loaded at every reset.
 */
public final class DirectBoot implements AutoCloseable {
    private final ImageFile kernel;
    private final List<BootRequest.Module> modules = new ArrayList<>();
    private final String commandLine;

    private DirectBoot(ImageFile kernel, String commandLine) {
        this.kernel = kernel;
        this.commandLine = commandLine;
    }

    /**
     * Opens the files and sees that the kernel is one.
     *
     * @param initrd      a file's name, or for multiboot a list "file arguments,file arguments" where ",," is a comma;
     *                    empty for none
     * @param commandLine the kernel's command line, may be empty
     * @throws UserException when a file can't be read or is of no known format
     */
    public static DirectBoot open(Path kernel, String initrd, String commandLine) {
        DirectBoot boot = new DirectBoot(ImageFile.open("-kernel", kernel), commandLine);
        try {
            boolean list = Kernel.detect(boot.kernel).takesModules();
            for (String module : initrd.isEmpty() ? List.<String>of() : list ? split(initrd) : List.of(initrd)) {
                String file = list && module.indexOf(' ') > 0 ? module.substring(0, module.indexOf(' ')) : module;
                boot.modules.add(new BootRequest.Module(ImageFile.open("-initrd", path(file)), module));
            }
            return boot;
        } catch (RuntimeException e) {
            boot.close();
            throw e;
        }
    }

    /** The kernel's format, for messages. */
    public String format() {
        return Kernel.detect(kernel).format();
    }

    /**
     * Loads everything into RAM.
     *
     * @throws UserException when a file is broken or does not fit
     */
    public BootEntry load(GuestMemory memory, MemoryMap map, long rsdp, boolean longMode) {
        return Kernel.detect(kernel).load(new BootRequest(memory, map, commandLine, modules, rsdp, longMode));
    }

    @Override
    public void close() {
        modules.forEach(m -> m.file().close());
        kernel.close();
    }

    /** Splits at single commas; a doubled one is a comma of the text. */
    static List<String> split(String list) {
        List<String> parts = new ArrayList<>();
        StringBuilder part = new StringBuilder();
        for (int i = 0; i < list.length(); i++) {
            if (list.charAt(i) == ',' && !list.startsWith(",,", i)) {
                parts.add(part.toString());
                part.setLength(0);
            } else {
                part.append(list.charAt(i));
                i += list.startsWith(",,", i) ? 1 : 0;
            }
        }
        parts.add(part.toString());
        return parts;
    }

    private static Path path(String file) {
        try {
            return Path.of(file);
        } catch (InvalidPathException e) {
            throw new UserException("-initrd " + file + ": not a file name: " + e.getReason());
        }
    }
}
