package org.jkvm.app.img.resident;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What decides which files a process may reach, by which names, and who pays for it: proc(5), namespaces(7). */
record Standing(List<String> rights, List<Object> places, String group) {
    private static final Set<String> RIGHTS = Set.of("Uid", "Gid", "Groups", "CapEff", "NoNewPrivs", "Seccomp");
    private static final List<String> PLACES = List.of("root", "ns/mnt", "ns/user", "ns/net");

    /**
     * Of the process with this folder in /proc.
     *
     * @throws IOException where it is gone, or another user's
     */
    static Standing of(Path process) throws IOException {
        List<Object> places = new ArrayList<>();
        for (String place : PLACES) {
            places.add(Files.getAttribute(process.resolve(place), "unix:ino"));
            places.add(Files.getAttribute(process.resolve(place), "unix:dev"));
        }
        List<String> rights = Files.readAllLines(process.resolve("status")).stream()
                .filter(line -> RIGHTS.contains(line.substring(0, Math.max(0, line.indexOf(':'))))).toList();
        return new Standing(rights, List.copyOf(places), Files.readString(process.resolve("cgroup")));
    }
}
