package org.jkvm.app.img;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** What convert reads from: snapshots, several images, encrypted ones. */
class SourcesTest extends TwoSources {
    private static final String SECRET = "--object secret,id=key,data=open-sesame ";

    @Override
    int secondSize() {
        return SIZE + 512;
    }

    @Test
    void aSnapshotIsCopiedAsItWas() throws IOException {
        tool.ok("convert -O qcow2 @first.raw @d.qcow2");
        tool.ok("snapshot -c then @d.qcow2");
        tool.write("d.qcow2", 0, Arrays.copyOf(second, SIZE));
        tool.ok("resize -q @d.qcow2 4M");
        for (String name : new String[] {"then", "1", "snapshot.name=then", "snapshot.id=1"}) {
            tool.ok("convert -O raw -l " + name + " @d.qcow2 @then.raw");
            assertThat(Arrays.mismatch(bytes("then.raw"), first)).isEqualTo(-1);
        }
        tool.refused("convert -O raw -l never @d.qcow2 @x.raw", "no snapshot 'never'");
        tool.refused("convert -O raw -l then @first.raw @x.raw", "qcow2 images have");
    }

    @Test
    void severalBecomeOne() throws IOException {
        tool.ok("convert -O qcow2 -c @first.raw @first.qcow2");
        for (String options : new String[] {"-O raw", "-O qcow2 -c", "-O qcow2 -r 100M"}) {
            tool.ok("convert -p " + options + " @first.qcow2 @second.raw @all.img");
            byte[] all = tool.contents("all.img");
            assertThat(Arrays.mismatch(Arrays.copyOf(all, SIZE), first)).isEqualTo(-1);
            assertThat(Arrays.mismatch(Arrays.copyOfRange(all, SIZE, all.length), second)).isEqualTo(-1);
        }
        tool.refused("convert @first.raw @none.raw @x.raw", "no such file");
    }

    @Test
    void descriptionsStandForNames() throws IOException {
        tool.ok("convert -O qcow2 @first.raw @d.qcow2");
        assertThat(tool.ok("info --image-opts driver=qcow2,file.filename=@d.qcow2")).contains("file format: qcow2");
        tool.ok("convert --image-opts -O raw driver=qcow2,file.driver=file,file.filename=@d.qcow2 @copy.raw");
        assertThat(Arrays.mismatch(bytes("copy.raw"), first)).isEqualTo(-1);
        tool.refused("info --image-opts driver=qcow2", "file.filename= is missing");
        tool.refused("info --image-opts driver=qcow2,file.filename=@d.qcow2,flie=3", "no property 'flie'");
    }

    @Test
    void encryptedImagesAreReadableByQemu() throws IOException {
        String encrypted = "-o encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10";
        tool.ok("convert " + SECRET + "-O qcow2 " + encrypted + " @first.raw @d.qcow2");
        tool.ok("convert " + SECRET + "-O raw @d.qcow2 @back.raw");
        assertThat(Arrays.mismatch(bytes("back.raw"), first)).isEqualTo(-1);
        assertThat(tool.qemu("convert " + SECRET + "--image-opts -O raw "
                + "driver=qcow2,file.filename=@d.qcow2,encrypt.key-secret=key @theirs.raw").status()).isZero();
        assertThat(Arrays.mismatch(bytes("theirs.raw"), first)).isEqualTo(-1);
        tool.refused("convert -O raw @d.qcow2 @x.raw", "");
        tool.refused("convert --object secret,id=a,data=b,file=c @d.qcow2 @x.raw", "either data= or file=");
        tool.refused("convert --object tls-creds-psk,id=a @d.qcow2 @x.raw", "secret is allowed");
    }
}
