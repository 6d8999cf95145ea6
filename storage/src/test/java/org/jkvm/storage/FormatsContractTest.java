package org.jkvm.storage;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** The contract, for all formats but plain raw and qcow2, whose variants have tests of their own. */
@ParameterizedClass
@MethodSource("variants")
class FormatsContractTest extends BlockDeviceContract {
    private static final Set<String> ELSEWHERE = Set.of("raw", "qcow2");
    private final Variant variant;

    FormatsContractTest(Variant variant) {
        this.variant = variant;
    }

    static List<Variant> variants() {
        return Variant.all().stream().filter(v -> !ELSEWHERE.contains(v.format()) || !v.made().more().isEmpty()).toList();
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
        return Set.of("luks", "qcow2").contains(variant.format());
    }

    @Override
    boolean sparse() {
        return !variant.format().equals("luks");
    }
}
