package org.jkvm.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;

/**
 * The pages in {@code docs/devices}, made from register declarations. A page that is missing or stale fails the test
 * that checks it, unless the system property {@value #REGENERATE} is {@code true}: then it is written anew.
 */
public final class RegisterPages {
    /** System property that makes {@link #check} write pages in place of comparing them. */
    public static final String REGENERATE = "jkvm.regenerate";

    private RegisterPages() {
    }

    /**
     * Checks the page of one chip.
     *
     * @param name     the chip's name: the page is {@code docs/devices/NAME.md}
     * @param declared the class that declares the registers
     * @param files    its register files
     */
    public static void check(String name, Class<?> declared, List<RegisterFile> files) {
        Path page = repository().resolve("docs/devices").resolve(name + ".md");
        String text = render(name, declared, files);
        try {
            if (Boolean.getBoolean(REGENERATE)) {
                Files.createDirectories(page.getParent());
                Files.writeString(page, text);
            } else if (!Files.exists(page) || !Files.readString(page).equals(text)) {
                throw new AssertionError("docs/devices/" + name + ".md does not say what " + declared.getSimpleName()
                        + " declares: run the test again with -D" + REGENERATE + "=true and commit the page");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String render(String name, Class<?> declared, List<RegisterFile> files) {
        StringBuilder s = new StringBuilder("# ").append(name).append("\n\nGenerated from the declarations in `")
                .append(declared.getName()).append("`. Offsets are those in the chip's window; where a machine puts ")
                .append("the window is the machine's business.\n");
        files.forEach(f -> renderFile(s, f));
        return s.toString();
    }

    private static void renderFile(StringBuilder s, RegisterFile file) {
        s.append("\n## ").append(file.chip()).append("\n\n");
        if (!file.summary().isEmpty()) {
            s.append(file.summary()).append(". Source: ").append(file.source()).append(".\n\n");
        }
        row(s, List.of("offset", "register", "seen when", "bits", "reset", "access", "purpose"));
        row(s, List.of("---", "---", "---", "---", "---", "---", "---"));
        file.registers().forEach(r -> row(s, r.describe()));
        file.windows().forEach(w -> row(s, List.of(hex(w.offset()) + " to " + hex(w.offset() + w.length() - 1), w.name(), "",
                "8", "", "", w.summary())));
        if (file.registers().stream().anyMatch(r -> !r.fields().isEmpty())) {
            renderFields(s, file);
        }
    }

    private static void renderFields(StringBuilder s, RegisterFile file) {
        s.append('\n');
        row(s, List.of("register", "bits", "field", "meaning"));
        row(s, List.of("---", "---", "---", "---"));
        for (Register r : file.registers()) {
            for (Register.Field f : r.fields()) {
                String bits = f.high() == f.low() ? Integer.toString(f.low()) : f.high() + ":" + f.low();
                row(s, List.of(r.name(), bits, f.name(), f.summary() + (f.modelled() ? "" : " *(does nothing here)*")));
            }
        }
    }

    private static void row(StringBuilder s, List<String> cells) {
        s.append('|');
        cells.forEach(c -> s.append(' ').append(c.replace("|", "\\|")).append(c.isEmpty() ? "|" : " |"));
        s.append('\n');
    }

    private static String hex(int value) {
        return Integer.toHexString(value) + "h";
    }

    /** The folder with the design records in it, from a module's folder upwards. */
    private static Path repository() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(folder.resolve("docs/adr"))) {
            folder = folder.getParent();
            if (folder == null) {
                throw new IllegalStateException("not inside the jkvm repository: no docs/adr in any folder above");
            }
        }
        return folder;
    }
}
