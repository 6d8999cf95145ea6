package org.jkvm.machine.loader;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jkvm.machine.memory.RamLayout;
import org.jkvm.testkit.FakeMemory;

/** Kernel files, and a machine's memory to load them into. */
final class TestImages {
    private TestImages() {
    }

    /** Writes {@code bytes} to a file in {@code folder} and opens it as a kernel. */
    static ImageFile open(Path folder, String name, byte[] bytes) {
        try {
            return ImageFile.open("-kernel", Files.write(folder.resolve(name), bytes));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A request for a machine of {@code mib} MiB. */
    static BootRequest request(int mib, String commandLine, BootRequest.Module... modules) {
        RamLayout layout = new RamLayout((long) mib << 20);
        FakeMemory memory = new FakeMemory(layout.size());
        return new BootRequest(memory, layout.memoryMap(), commandLine, List.of(modules), 0xf_0000, true);
    }
}
