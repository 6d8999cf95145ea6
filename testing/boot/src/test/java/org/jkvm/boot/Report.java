package org.jkvm.boot;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** What the guest's report.sh printed. */
record Report(String console) {
    /** The lines of a section. */
    List<String> section(String name) {
        String text = console.replace("\r", "");
        int from = text.indexOf("==== " + name + "\n");
        if (from < 0) {
            throw new AssertionError("the guest did not get to '" + name + "'; its console's end:\n"
                    + text.substring(Math.max(0, text.length() - 2000)));
        }
        int start = text.indexOf('\n', from) + 1;
        int end = text.indexOf("==== ", start);
        return text.substring(start, end < 0 ? text.length() : end).lines().filter(line -> !isKernelMessage(line)).toList();
    }

    /** The kernel prints to the same console while the script runs. */
    private static boolean isKernelMessage(String line) {
        return line.matches("\\[ *\\d+\\.\\d+\\] .*");
    }

    /** The first processor's flags. */
    Set<String> flags() {
        String line = section("cpuinfo").stream().filter(l -> l.startsWith("flags")).findFirst().orElseThrow();
        return new TreeSet<>(List.of(line.substring(line.indexOf(':') + 1).strip().split(" ")));
    }
}
