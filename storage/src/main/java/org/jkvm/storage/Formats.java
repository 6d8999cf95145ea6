package org.jkvm.storage;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jkvm.storage.layer.ImageFormat;
import org.jkvm.storage.luks.LuksFormat;
import org.jkvm.storage.parallels.ParallelsFormat;
import org.jkvm.storage.qed.QedFormat;
import org.jkvm.storage.vdi.VdiFormat;
import org.jkvm.storage.vhdx.VhdxFormat;
import org.jkvm.storage.vmdk.VmdkFormat;
import org.jkvm.storage.vpc.VpcFormat;

/** All formats that there are. A new one is a line here, and one in {@link org.jkvm.storage.layer.Probe}. */
final class Formats {
    /** Those that are treated apart, since they are what machines run on. */
    private static final List<String> OWN = List.of("raw", "qcow2");
    private static final List<ImageFormat> OTHERS = List.of(new VmdkFormat(), new VdiFormat(), new VhdxFormat(),
            new VpcFormat(), new ParallelsFormat(), new QedFormat(), new LuksFormat());

    private Formats() {
    }

    static List<String> names() {
        return Stream.concat(OWN.stream(), OTHERS.stream().map(ImageFormat::name)).toList();
    }

    static List<String> creatable() {
        return Stream.concat(OWN.stream(), OTHERS.stream().filter(ImageFormat::creatable).map(ImageFormat::name)).toList();
    }

    /** The format of that name, where it is not raw or qcow2. */
    static Optional<ImageFormat> find(String name) {
        return OTHERS.stream().filter(f -> f.name().equals(name)).findFirst();
    }
}
