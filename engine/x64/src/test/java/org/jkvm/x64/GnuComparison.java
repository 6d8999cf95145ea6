package org.jkvm.x64;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Assumptions;

/** Instructions as text for GNU as and as calls of the assembler, and random operands for them. */
final class GnuComparison {
    private static final String[] LOW_BYTES = {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"};
    private final Random random;
    private final List<String> texts = new ArrayList<>();
    private final List<byte[]> codes = new ArrayList<>();

    /** Random operands come from {@code seed}. */
    GnuComparison(long seed) {
        random = new Random(seed);
    }

    /** One line of text, and what it should become. */
    void add(String text, Consumer<Assembler> encoder) {
        Assembler a = new Assembler(0);
        encoder.accept(a);
        texts.add(text);
        codes.add(a.toByteArray());
    }

    /** Assembles all texts in one run and compares. */
    void check(Path folder) throws IOException {
        Assumptions.assumeTrue(GnuAs.isInstalled(), "GNU binutils are not installed");
        List<byte[]> expected = GnuAs.assemble(folder, texts);
        assertThat(expected).hasSameSizeAs(texts);
        List<String> differences = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            if (!Arrays.equals(codes.get(i), expected.get(i))) {
                differences.add(texts.get(i) + ": " + hex(codes.get(i)) + ", not " + hex(expected.get(i)));
            }
        }
        assertThat(differences).isEmpty();
    }

    static String hex(byte[] bytes) {
        return HexFormat.ofDelimiter(" ").formatHex(bytes);
    }

    /** A random general-purpose register. */
    Gpr gpr() {
        return Gpr.of(random.nextInt(16));
    }

    /** A random general-purpose register without short forms of its own. */
    Gpr notRax() {
        return Gpr.of(1 + random.nextInt(15));
    }

    /** A random SSE register. */
    Xmm xmm() {
        return Xmm.values()[random.nextInt(16)];
    }

    /** A random number of 0 to {@code bound} - 1. */
    int below(int bound) {
        return random.nextInt(bound);
    }

    /** A random memory operand: every mode, every size of displacement, sometimes FS, GS and 32-bit addresses. */
    Mem mem() {
        int displacement = new int[] {0, random.nextInt(256) - 128, random.nextInt()}[random.nextInt(3)];
        Gpr base = random.nextInt(8) == 0 ? null : gpr();
        Gpr index = random.nextBoolean() ? null : gpr();
        Mem m = new Mem(base, index == Gpr.RSP ? null : index, index == null || index == Gpr.RSP ? 1
                : 1 << random.nextInt(4), displacement);
        Segment segment = new Segment[] {null, null, Segment.FS, Segment.GS}[random.nextInt(4)];
        boolean truncated = random.nextInt(4) == 0 && (m.base() != null || m.index() != null);
        return truncated ? m.in(segment).truncate() : m.in(segment);
    }

    /** A random register or memory operand. */
    Rm rm() {
        return random.nextBoolean() ? gpr() : mem();
    }

    static String text(Size size, Rm rm) {
        return switch (rm) {
            case Gpr r -> text(size, r);
            case Mem m -> text(size, m);
            case HighByte h -> h.name().toLowerCase(Locale.ROOT);
            case Xmm x -> text(x);
            case RipRelative r -> throw new IllegalArgumentException(r.toString());
            case RipLabel r -> throw new IllegalArgumentException(r.toString());
        };
    }

    static String text(Xmm register) {
        return register.name().toLowerCase(Locale.ROOT);
    }

    static String text(Size size, Gpr r) {
        String name = r.name().toLowerCase(Locale.ROOT);
        if (r.number() >= 8) {
            return name + new String[] {"b", "w", "d", ""}[size.ordinal()];
        }
        return switch (size) {
            case BYTE -> LOW_BYTES[r.number()];
            case WORD -> name.substring(1);
            case DWORD -> "e" + name.substring(1);
            case QWORD -> name;
        };
    }

    static String text(Size size, Mem m) {
        return size.name().toLowerCase(Locale.ROOT) + " ptr " + text(m);
    }

    static String text(Mem m) {
        Size size = m.truncated() ? Size.DWORD : Size.QWORD;
        List<String> terms = new ArrayList<>();
        if (m.base() != null) {
            terms.add(text(size, m.base()));
        }
        if (m.index() != null) {
            terms.add(text(size, m.index()) + "*" + m.scale());
        }
        terms.add(Integer.toString(m.displacement()));
        String absolute = m.base() == null && m.index() == null ? "ds:" : "";
        String segment = m.segment() == null ? absolute : m.segment().name().toLowerCase(Locale.ROOT) + ":";
        return segment + "[" + String.join("+", terms) + "]";
    }
}
