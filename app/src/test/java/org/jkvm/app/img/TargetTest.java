package org.jkvm.app.img;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands that change an image, by {@code --image-opts} and with a passphrase. */
class TargetTest {
    private static final String SECRET = "--object secret,id=s,data=abc ";
    private static final String BASE = SECRET + "--image-opts driver=qcow2,file.filename=@base,encrypt.key-secret=s ";
    private static final String TOP = SECRET + "--image-opts driver=qcow2,file.filename=@top,encrypt.key-secret=s ";
    private static final String ENCRYPTED = SECRET + "-o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10 ";

    @TempDir
    private Path folder;
    private ImageTool tool;

    @BeforeEach
    void create() throws IOException {
        tool = new ImageTool(folder);
        Files.write(folder.resolve("raw"), new byte[] {1, 2, 3, 4});
        tool.ok("resize -q -f raw @raw 1M");
        tool.ok("convert -f raw -O qcow2 " + ENCRYPTED + "@raw @base");
        tool.ok("create -q -f qcow2 -b base -F qcow2 " + ENCRYPTED + "@top");
    }

    @Test
    void everyCommandKnowsImageOptions() {
        tool.ok("resize " + TOP + "2M");
        tool.ok("bitmap --add " + TOP + "monday");
        tool.ok("snapshot -c one " + TOP);
        tool.ok("bench -c 1 -d 1 " + TOP);
        tool.ok("bench -w -c 1 -d 1 --pattern 7 " + TOP);
        tool.ok("amend -o lazy_refcounts=on " + TOP);
        String info = tool.ok("info " + TOP);
        assertThat(info).contains("virtual size: 2 MiB", "monday", "one", "lazy refcounts: true");
        tool.ok("commit " + TOP);
        assertThat(tool.ok("compare " + SECRET + "-f qcow2 -F qcow2 @top @base")).contains("Images are identical.");
        assertThat(tool.run("compare " + SECRET + "-f raw -F qcow2 @raw @base").out()).contains("mismatch at offset 0");
    }

    @Test
    void commitAndRebaseOpenWhatIsEncrypted() {
        tool.ok("bench -w -c 1 -d 1 --pattern 7 " + SECRET + "@top");
        tool.ok("rebase -b '' " + TOP);
        assertThat(tool.ok("info " + TOP)).doesNotContain("backing file");
        tool.ok("rebase -b base -F qcow2 " + SECRET + "@top");
        tool.ok("commit " + SECRET + "@top");
        assertThat(tool.ok("compare " + SECRET + "-f qcow2 -F qcow2 @top @base")).contains("Images are identical.");
    }

    @Test
    void whatIsOnlyReadIsNotChanged() {
        tool.refused("resize --image-opts driver=qcow2,file.filename=@top,force-share=on 2M", "only read");
        tool.refused("snapshot -U -c one @top", "only read");
        tool.refused("bench -U -w -c 1 " + SECRET + "@top", "only read");
        tool.ok("bench -U -q -c 1 -d 1 " + SECRET + "@top");
        tool.refused("resize -f qcow2 " + TOP + "2M", "driver= says the format, not -f");
    }

    @Test
    void measureKnowsSnapshots() {
        tool.ok("snapshot -c small " + SECRET + "@base");
        tool.ok("resize -q " + SECRET + "@base 1G");
        assertThat(tool.ok("measure -l small " + SECRET + "@base")).contains("fully allocated size: 1048576");
        assertThat(tool.ok("measure " + SECRET + "@base")).contains("fully allocated size: 1073741824");
        tool.refused("measure -l none " + SECRET + "@base", "it has no snapshot 'none'");
        tool.refused("measure -l small --size 1G", "not both");
    }
}
