package org.jkvm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jkvm.base.UserException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Images that name files which are none of theirs. */
class HostileNamesTest {
    @TempDir
    Path folder;

    private void refused(Path image, OpenOptions options, String message) {
        assertThatThrownBy(() -> Images.open(image, options).close()).isInstanceOf(UserException.class)
                .hasMessageContaining(message).message().hasLineCount(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/etc/hostname", "../outside", "..", "", "a/b", "/dev/null"})
    void partsLieInTheImagesFolder(String name) throws IOException {
        Path image = folder.resolve("d.vmdk");
        Files.writeString(image, "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\n"
                + "createType=\"monolithicFlat\"\nRW 1 FLAT \"" + name + "\" 0\n");
        refused(image, OpenOptions.defaults(), "only files in the image's folder");
    }

    @Test
    void anImageIsNoPartOfItself() throws IOException {
        Path image = folder.resolve("d.vmdk");
        Files.writeString(image, "# Disk DescriptorFile\nRW 1 FLAT \"d.vmdk\" 0\n" + "#".repeat(1000));
        refused(image, OpenOptions.defaults(), "circle");
    }

    /** The name in the header is as long as the one that it replaces. */
    @ParameterizedTest
    @ValueSource(strings = {"/etc/hostname", "../../x/y/z/a"})
    void externalDataLiesInTheImagesFolder(String name) throws IOException {
        Path image = folder.resolve("d.qcow2");
        Images.create(image, CreateOptions.of("qcow2", 1 << 20).withMore(Map.of("data_file", "outside.data1")));
        String text = Files.readString(image, StandardCharsets.ISO_8859_1);
        Files.writeString(image, text.replace("outside.data1", name), StandardCharsets.ISO_8859_1);
        refused(image, OpenOptions.defaults(), "only files in the image's folder");
    }

    @Test
    void backingFilesAreNoDevices() {
        Path image = folder.resolve("d.qcow2");
        Images.create(image, CreateOptions.over("/dev/zero", "raw", 1 << 20));
        refused(image, OpenOptions.defaults(), "neither a regular file nor a block device");
    }

    @Test
    void aWrongPassphraseOpensNothing() {
        Path image = folder.resolve("d.luks");
        CreateOptions made = CreateOptions.of("luks", 1 << 20).withMore(Map.of("iter-time", "1"));
        Images.create(image, made.withSecret(new Secret("right".getBytes(StandardCharsets.UTF_8))));
        OpenOptions options = OpenOptions.defaults();
        refused(image, options, "no passphrase was given");
        refused(image, options.withSecret(new Secret("wrong".getBytes(StandardCharsets.UTF_8))), "opens none");
        assertThat(new Secret(new byte[] {1})).hasToString("Secret");
    }
}
