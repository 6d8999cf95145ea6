package org.jkvm.machine.loader;

import java.util.List;
import org.jkvm.base.GuestMemory;
import org.jkvm.machine.memory.MemoryMap;

/**
 * What a kernel is started with.
 *
 * @param memory      guest RAM
 * @param map         what the guest is told about its memory
 * @param commandLine the kernel's command line ({@code -append}), may be empty
 * @param modules     {@code -initrd}: at most one for Linux, any number for multiboot
 * @param rsdp        guest physical address of the ACPI root pointer, or 0
 * @param longMode    whether the processor has 64-bit mode
 */
public record BootRequest(GuestMemory memory, MemoryMap map, String commandLine, List<Module> modules, long rsdp,
                          boolean longMode) {
    /** Copies the list. */
    public BootRequest {
        modules = List.copyOf(modules);
    }

    /**
     * A file that is loaded beside the kernel.
     *
     * @param file    the file
     * @param command its name and arguments, as multiboot passes them
     */
    public record Module(ImageFile file, String command) {
    }
}
