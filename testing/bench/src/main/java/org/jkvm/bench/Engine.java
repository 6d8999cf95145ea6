package org.jkvm.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What runs a guest.
 *
 * @param name    as the table calls it
 * @param command the words before the machine's options, which are the same for all
 */
record Engine(String name, List<String> command) {

    /** The project's command. */
    static Engine kvm(Path root, List<String> more) {
        List<String> words = new ArrayList<>(List.of(root.resolve("kvm").toString()));
        words.addAll(more);
        return new Engine("kvm", words);
    }

    /** QEMU's software engine. */
    static Engine qemu(List<String> more) {
        List<String> words = new ArrayList<>(List.of("qemu-system-x86_64", "-accel", "tcg"));
        words.addAll(more);
        return new Engine("qemu", words);
    }

    /** Whether the host has it. */
    boolean installed() {
        return command.getFirst().contains("/") || Arrays.stream(System.getenv("PATH").split(":"))
                .anyMatch(folder -> Path.of(folder, command.getFirst()).toFile().canExecute());
    }

    /** A machine of its own. */
    ProcessBuilder start(Settings settings, Path kernel, Path initrd, List<String> more) {
        List<String> words = new ArrayList<>(command);
        words.addAll(List.of("-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot", "-cpu", "max",
                "-m", Integer.toString(settings.memory()), "-smp", Integer.toString(settings.processors()),
                "-kernel", kernel.toString(), "-initrd", initrd.toString(), "-append", "console=ttyS0 quiet loglevel=1"));
        words.addAll(more);
        return new ProcessBuilder(words);
    }

    /**
     * What all machines have in common.
     *
     * @param memory     guest RAM, MiB
     * @param processors vCPUs
     */
    record Settings(int memory, int processors) {
    }
}
