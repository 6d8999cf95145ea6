package org.jkvm.app.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.jkvm.base.HostException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever an archive's paths and links say, nothing is written outside of the folder. */
class TreeWriterTest {
    @TempDir
    private Path temporary;

    private TreeWriter writer() throws IOException {
        return new TreeWriter(Files.createDirectories(temporary.resolve("tree")), Optional::of);
    }

    private static void file(TreeWriter writer, String path, int mode) throws IOException {
        TarArchiveEntry entry = new TarArchiveEntry(path, true);
        entry.setMode(mode);
        writer.write(entry, new ByteArrayInputStream("content".getBytes(StandardCharsets.US_ASCII)));
    }

    private static void link(TreeWriter writer, String path, byte type, String to) throws IOException {
        TarArchiveEntry entry = new TarArchiveEntry(path, type);
        entry.setLinkName(to);
        writer.write(entry, new ByteArrayInputStream(new byte[0]));
    }

    @Test
    void filesAndLinksKeepTheirKind() throws IOException {
        TreeWriter writer = writer();
        file(writer, "./usr/bin/program", 0755);
        file(writer, "./usr/lib/data", 0644);
        link(writer, "./usr/bin/hard", TarConstants.LF_LINK, "./usr/bin/program");
        link(writer, "./usr/bin/soft", TarConstants.LF_SYMLINK, "program");
        Path bin = temporary.resolve("tree/usr/bin");
        assertThat(bin.resolve("hard")).isExecutable().hasContent("content");
        assertThat(Files.readSymbolicLink(bin.resolve("soft"))).hasToString("program");
        assertThat(Files.isExecutable(temporary.resolve("tree/usr/lib/data"))).isFalse();
    }

    @Test
    void pathsThatLeadOutAreRefused() throws IOException {
        TreeWriter writer = writer();
        assertThatThrownBy(() -> file(writer, "../outside", 0644)).isInstanceOf(HostException.class);
        assertThatThrownBy(() -> file(writer, "/outside", 0644)).isInstanceOf(HostException.class);
        assertThatThrownBy(() -> link(writer, "name", TarConstants.LF_LINK, "../outside")).isInstanceOf(HostException.class);
        assertThat(temporary.resolve("outside")).doesNotExist();
    }

    @Test
    void linksThatLeadOutAreNotFollowed() throws IOException {
        TreeWriter writer = writer();
        link(writer, "escape", TarConstants.LF_SYMLINK, temporary.toString());
        assertThatThrownBy(() -> file(writer, "escape/outside", 0644)).isInstanceOf(HostException.class);
        assertThat(temporary.resolve("outside")).doesNotExist();
    }
}
