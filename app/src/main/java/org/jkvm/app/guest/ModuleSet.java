package org.jkvm.app.guest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** A kernel's modules, and the order that they must be loaded in. */
final class ModuleSet {
    private static final String DEPENDS = "\0depends=";
    private final Map<String, Path> files = new HashMap<>();

    /** The modules anywhere under {@code folder}. */
    ModuleSet(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            all.filter(file -> file.toString().endsWith(".ko")).forEach(file -> files.put(name(file), file));
        }
    }

    /** A module's name: its file's, with "_" for "-". */
    private static String name(Path file) {
        return file.getFileName().toString().replace(".ko", "").replace('-', '_');
    }

    /**
     * The files of {@code wanted} and of all that they depend on, dependencies first. A module that is not there is built
     * into the kernel, or the kernel does not have it: it is left out.
     */
    List<Path> loadOrder(List<String> wanted) throws IOException {
        Set<Path> order = new LinkedHashSet<>();
        for (String name : wanted) {
            add(name.replace('-', '_'), order);
        }
        return List.copyOf(order);
    }

    private void add(String name, Set<Path> order) throws IOException {
        Path file = files.get(name);
        if (file == null || order.contains(file)) {
            return;
        }
        for (String dependency : dependencies(file)) {
            add(dependency.replace('-', '_'), order);
        }
        order.add(file);
    }

    /**
     * What a module depends on: its section .modinfo holds NUL-terminated {@code key=value} strings, of which one is
     * {@code depends=a,b} (Linux include/linux/module.h, MODULE_INFO; scripts/mod/modpost.c).
     */
    private static List<String> dependencies(Path file) throws IOException {
        String text = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
        int at = text.indexOf(DEPENDS);
        if (at < 0) {
            return List.of();
        }
        int from = at + DEPENDS.length();
        return Arrays.stream(text.substring(from, text.indexOf('\0', from)).split(",")).filter(s -> !s.isEmpty()).toList();
    }
}
