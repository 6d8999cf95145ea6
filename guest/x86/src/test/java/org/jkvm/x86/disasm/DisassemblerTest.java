package org.jkvm.x86.disasm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Text against GNU objdump, on random bytes and on a real program. */
class DisassemblerTest {
    private static final long SEED = Long.getLong("jkvm.disassembler.seed", 2026);
    private static final int SLOT = 32;
    private static final int RANDOM_INSTRUCTIONS = 20_000;
    private static final int PROGRAM_INSTRUCTIONS = 60_000;
    /** What objdump prints for prefixes that do nothing and for hint NOPs that newer processors gave a meaning. */
    private static final Pattern NOT_COMPARED = Pattern.compile(
            "(rex|data16|data32|addr16|addr32|cs|ds|es|ss|fs|gs|repz|repnz|rep|bnd|notrack|lock|xacquire|xrelease)([. ].*)?"
            + "|bnd[a-z]+ .*|cldemote .*|wbnoinvd|endbr.*|[a-z]*ssp[dq] .*|nop .*|mov .*\\btr\\d.*|prefetchit.*|movsxd ([a-ds][ipx]|r\\d+w),.*"
            + "|.+\\(bad\\).*|vmovs[sd] ymm.*|.*[(](287|8087) only[)]");
    /** What processors have though objdump does not: aliases, undocumented instructions, prefixes that do nothing. */
    private static final Pattern ACCEPTED = Pattern.compile(
            "[lms]fence|salc|fcomp? .*|fxch .*|fstp(nce)? .*|ffreep .*|rep.*|wbinvd|invd");
    private static final List<Path> PROGRAMS = List.of(Path.of("/bin/busybox"), Path.of("/bin/bash"), Path.of("/bin/ls"));

    private static String normal(String text) {
        return text.replaceAll("\\s*#.*", "").replaceAll("\\s*<[^>]*>", "").replaceAll("\\s+", " ").trim();
    }

    @ParameterizedTest
    @ValueSource(ints = {16, 32, 64})
    void readsRandomBytesAsObjdumpDoes(int bits, @TempDir Path folder) throws IOException {
        Objdump.assumeInstalled();
        System.out.printf("disassembler test: -Djkvm.disassembler.seed=%d%n", SEED);
        int slots = bits == 16 ? 0x10000 / SLOT : RANDOM_INSTRUCTIONS; // Beyond 64 KiB objdump does not wrap IP.
        byte[] code = randomCode(new SplittableRandom(SEED), slots);
        Check check = new Check(bits);
        for (Objdump.Line line : Objdump.raw(folder, code, bits)) {
            if (line.address() % SLOT == 0) {
                check.line(line, code, (int) line.address());
            }
        }
        check.verify("seed " + SEED, slots / 4);
    }

    /** Random bytes at the start of each slot, then NOPs, so that objdump finds its way again. */
    private static byte[] randomCode(SplittableRandom random, int slots) {
        byte[] code = new byte[SLOT * slots];
        Arrays.fill(code, (byte) 0x90);
        for (int at = 0; at < code.length; at += SLOT) {
            byte[] bytes = new byte[15];
            random.nextBytes(bytes);
            System.arraycopy(bytes, 0, code, at, bytes.length);
            if (random.nextInt(3) == 0) {
                code[at] = (byte) (0xc4 + random.nextInt(2));
                code[at + 1] |= code[at] == (byte) 0xc4 ? (byte) 0xe0 : (byte) 0x80;
                code[at + 1] &= code[at] == (byte) 0xc4 ? (byte) 0xe3 : (byte) 0xff;
            } else if (random.nextBoolean()) {
                code[at] = 0x0f;
            } else if (random.nextInt(4) == 0) {
                code[at] = new byte[] {0x66, (byte) 0xf2, (byte) 0xf3}[random.nextInt(3)];
                code[at + 1] = 0x0f;
            }
        }
        return code;
    }

    @Test
    void readsARealProgramAsObjdumpDoes() throws IOException {
        Objdump.assumeInstalled();
        Path program = PROGRAMS.stream().filter(Files::isReadable).findFirst().orElse(null);
        Assumptions.assumeTrue(program != null, "none of " + PROGRAMS + " is here");
        Check check = new Check(64);
        for (Objdump.Line line : Objdump.program(program, PROGRAM_INSTRUCTIONS)) {
            check.line(line, line.bytes(), 0);
        }
        check.verify(program.toString(), PROGRAM_INSTRUCTIONS / 4);
    }

    /** What objdump knows and jkvm does not. */
    private record Refused(String text, String report) {
    }

    /** Compares lines; at the end it knows which mnemonics jkvm has. */
    private static final class Check {
        private final int bits;
        private final Disassembler disassembler;
        private final Set<String> known = new HashSet<>();
        private final List<Refused> refused = new ArrayList<>();
        private final List<String> differences = new ArrayList<>();
        private int compared;

        Check(int bits) {
            this.bits = bits;
            this.disassembler = new Disassembler(bits);
        }

        void line(Objdump.Line line, byte[] code, int at) {
            Disassembler.Line mine = disassembler.disassemble(code, at, Math.min(code.length, at + 15), line.address());
            String text = normal(mine.text());
            String theirs = bits == 16 ? wrapped(normal(line.text())) : normal(line.text());
            String report = "%s: objdump \"%s\", jkvm \"%s\" (%d bytes)".formatted(
                    HexFormat.ofDelimiter(" ").formatHex(line.bytes()), theirs, text, mine.length());
            if (theirs.equals("(bad)") && ACCEPTED.matcher(text).matches()) {
                return;
            }
            if (text.equals("(bad)") && isAvx512(line.bytes())) {
                return;
            }
            if (text.equals("(bad)")) {
                refused.add(new Refused(theirs, report));
                return;
            }
            known.add(text.split(" ")[0]);
            if (NOT_COMPARED.matcher(theirs).matches() || narrowBranch(theirs, line.bytes())
                    || text.equals("fwait")) { // Which objdump joins with the instruction after it.
                return;
            }
            compared++;
            if (!text.equals(theirs) || mine.length() != line.bytes().length) {
                differences.add(report);
            }
        }

        /** EVEX-encoded instructions share mnemonics with VEX-encoded ones. */
        private static boolean isAvx512(byte[] bytes) {
            String hex = HexFormat.of().formatHex(bytes);
            return hex.matches("(26|2e|36|3e|6[4-7]|4.|f[023])*62.*");
        }

        /** Objdump extends the sign of a 16-bit branch target. */
        private static String wrapped(String text) {
            return text.replaceFirst("^((?:j|call|loop)\\w*) 0xffff0*([0-9a-f]{1,4})$", "$1 0x$2");
        }

        /** Objdump reads 66h before a near branch in 64-bit mode as AMD does, jkvm as Intel does (SDM vol. 2A, JMP). */
        private boolean narrowBranch(String text, byte[] bytes) {
            return bits == 64 && text.matches("(j|call|ret|loop).*")
                    && new String(bytes, StandardCharsets.ISO_8859_1).contains("f");
        }

        void verify(String what, int least) {
            for (Refused r : refused) {
                if (known.contains(r.text().split(" ")[0]) && !NOT_COMPARED.matcher(r.text()).matches()) {
                    differences.add(r.report());
                }
            }
            assertThat(compared).as("lines compared").isGreaterThan(least);
            assertThat(differences).as("%s, %d lines compared", what, compared).isEmpty();
        }
    }

    @Test
    void writesWhatTheMonitorShows() {
        byte[] code = HexFormat.of().parseHex("554889e5488b0510000000c3");
        assertThat(new Disassembler(64).listing(code, 0x1000, 10)).extracting(Disassembler.Line::text).containsExactly(
                "push   rbp", "mov    rbp,rsp", "mov    rax,QWORD PTR [rip+0x10]        # 0x101b", "ret");
        assertThat(new Disassembler(16).listing(HexFormat.of().parseHex("0f"), 0, 1).getFirst().text()).isEqualTo("(bad)");
    }
}
