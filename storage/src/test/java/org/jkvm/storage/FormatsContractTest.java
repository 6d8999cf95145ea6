package org.jkvm.storage;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** The contract, for all formats but raw and qcow2, whose variants have tests of their own. */
@ParameterizedClass
@MethodSource("variants")
class FormatsContractTest extends BlockDeviceContract {
    private final Variant variant;

    FormatsContractTest(Variant variant) {
        this.variant = variant;
    }

    static List<Variant> variants() {
        return Variant.all().stream().filter(v -> !Set.of("raw", "qcow2").contains(v.format())).toList();
    }

    @Override
    Path create() {
        Path path = folder.resolve("disk." + variant.format());
        Images.create(path, variant.made(SIZE));
        return path;
    }

    @Override
    OpenOptions options() {
        return variant.opened();
    }

    @Override
    boolean resizes() {
        return variant.format().equals("luks");
    }
}
