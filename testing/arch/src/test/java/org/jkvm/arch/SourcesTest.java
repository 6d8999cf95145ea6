package org.jkvm.arch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What can be measured of the house style (design, section 9), over all modules' main sources and classes. */
class SourcesTest {
    private static final int MAX_LINES = 500;
    private static final int MAX_COLUMNS = 125;
    /** HotSpot never compiles a longer method (-XX:HugeMethodLimit): a hot one would be interpreted for ever. */
    private static final int HUGE_METHOD = 8000;
    private static final Path ROOT = root();

    private static Path root() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.exists(folder.resolve("kvm-img"))) {
            folder = folder.getParent();
        }
        return folder;
    }

    @Test
    void filesAreShort() throws IOException {
        assertThat(sources()).isNotEmpty().allSatisfy(file -> assertThat(Files.readAllLines(file)).as(name(file))
                .hasSizeLessThanOrEqualTo(MAX_LINES));
    }

    @Test
    void linesAreShort() throws IOException {
        assertThat(sources()).allSatisfy(file -> assertThat(Files.readAllLines(file)).as(name(file))
                .allMatch(line -> line.length() <= MAX_COLUMNS));
    }

    @Test
    void importsAreExplicit() throws IOException {
        assertThat(sources()).allSatisfy(file -> assertThat(Files.readAllLines(file)).as(name(file))
                .noneMatch(line -> line.startsWith("import ") && line.endsWith(".*;")));
    }

    @Test
    void nothingIsLeftForLater() throws IOException {
        assertThat(sources()).allSatisfy(file -> assertThat(Files.readString(file)).as(name(file))
                .doesNotContainPattern("\\b(TODO|FIXME|XXX)\\b"));
    }

    @Test
    void everyMethodCanBeCompiled() throws IOException {
        List<String> huge = new ArrayList<>();
        for (Path file : find("target/classes", ".class")) {
            ClassModel model = ClassFile.of().parse(file);
            model.methods().stream()
                    .filter(m -> !m.methodName().equalsString("<clinit>"))
                    .filter(m -> m.findAttribute(Attributes.code())
                            .map(CodeAttribute::codeLength).orElse(0) > HUGE_METHOD)
                    .forEach(m -> huge.add(model.thisClass().asInternalName() + "." + m.methodName()));
        }
        assertThat(huge).isEmpty();
    }

    private static String name(Path file) {
        return ROOT.relativize(file).toString();
    }

    private static List<Path> sources() throws IOException {
        return find("src/main/java", ".java");
    }

    /** Files of all modules whose path holds {@code part}. */
    private static List<Path> find(String part, String suffix) throws IOException {
        try (Stream<Path> files = Files.walk(ROOT)) {
            return files.filter(f -> f.toString().contains("/" + part + "/") && f.toString().endsWith(suffix)).toList();
        }
    }
}
