package org.jkvm.payloads;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.jkvm.testkit.Assembly;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The checked-in bytes of every payload are what GNU as and ld make of the assembly beside them. */
class AssemblyTest {
    private static final Path SOURCES = Path.of("src/test/resources/payloads");
    private static final long ADDRESS = 0x8000;

    @TempDir
    private Path temporary;

    static Stream<String> names() throws IOException {
        try (Stream<Path> files = Files.list(SOURCES)) {
            return files.map(f -> f.getFileName().toString()).filter(f -> f.endsWith(".s"))
                    .map(f -> f.substring(0, f.length() - 2)).sorted().toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void bytesAreWhatTheAssemblyGives(String name) throws Exception {
        assumeTrue(Assembly.isInstalled(), "GNU as and ld are not installed");
        Assembly.check(SOURCES.resolve(name + ".s"), SOURCES.resolve(name + ".hex"), ADDRESS, temporary);
    }
}
