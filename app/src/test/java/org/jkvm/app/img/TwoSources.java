package org.jkvm.app.img;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A folder with two raw images, first.raw and second.raw, and the tool that is tried on them. */
abstract class TwoSources {
    static final int SIZE = 3 << 20;

    @TempDir
    Path folder;
    ImageTool tool;
    byte[] first;
    byte[] second;

    @BeforeEach
    void makeSources() throws IOException {
        tool = new ImageTool(folder);
        first = tool.random("first.raw", SIZE, 1);
        second = tool.random("second.raw", secondSize(), 2);
    }

    /** Bytes of second.raw. */
    int secondSize() {
        return SIZE;
    }

    /** Fails unless an image is sound, by qemu-img's word too. */
    void clean(String image) throws IOException {
        tool.ok("check -q @" + image);
        assertThat(tool.qemu("check @" + image).status()).isZero();
    }

    byte[] bytes(String name) throws IOException {
        return Files.readAllBytes(folder.resolve(name));
    }
}
