package org.jkvm.app.img.resident;

import static java.nio.file.StandardWatchEventKinds.ENTRY_CREATE;
import static java.nio.file.StandardWatchEventKinds.ENTRY_DELETE;
import static java.nio.file.StandardWatchEventKinds.ENTRY_MODIFY;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.WatchService;
import java.nio.file.attribute.FileTime;
import java.util.List;

/** The files and folders that the application is built from, by find(1), which a launcher asks at each other start. */
final class Sources {
    private final Path made;
    private final FileTime when;
    private final List<Path> files;

    /**
     * @param made the file that the build makes last
     * @param names of what it is made from
     */
    Sources(Path made, List<String> names) throws IOException {
        this.made = made;
        this.when = Files.getLastModifiedTime(made);
        this.files = names.stream().map(Path::of).toList();
    }

    /** Whether one was changed, or is gone, or the application was built again. A name that came or went changes its folder. */
    boolean changed() {
        try {
            for (Path file : files) {
                if (Files.getLastModifiedTime(file).compareTo(when) > 0) {
                    return true;
                }
            }
            return !Files.getLastModifiedTime(made).equals(when);
        } catch (IOException e) {
            return true;
        }
    }

    /**
     * Has {@code end} run, by a thread of its own, as soon as one changes. The kernel tells what is done on this host (inotify(7)),
     * not what another one does to files that both have: {@link #changed} sees that.
     *
     * @throws IOException where the kernel watches enough already
     */
    void watch(Runnable end) throws IOException {
        WatchService watcher = made.getFileSystem().newWatchService();
        for (Path file : files) {
            if (Files.isDirectory(file)) {
                file.register(watcher, ENTRY_CREATE, ENTRY_DELETE, ENTRY_MODIFY);
            }
        }
        Thread.ofPlatform().daemon().name("sources").start(() -> {
            try {
                watcher.take();
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
            end.run();
        });
    }
}
