package org.jkvm.x64;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.jkvm.x64.GnuComparison.text;
import static org.jkvm.x64.OpcodeMap.ESCAPE_0F;
import static org.jkvm.x64.OpcodeMap.ESCAPE_0F38;
import static org.jkvm.x64.OpcodeMap.ESCAPE_0F3A;
import static org.jkvm.x64.OpcodeMap.PRIMARY;
import static org.jkvm.x64.Reencoding.LOCK;
import static org.jkvm.x64.Reencoding.OPERAND_SIZE;
import static org.jkvm.x64.Reencoding.REP;
import static org.jkvm.x64.Reencoding.REPNE;
import static org.jkvm.x64.Size.BYTE;
import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x64.Size.WORD;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Instructions written again with other operands, as the translator does, against GNU as. */
class ReencodingTest {
    private static final int ROUNDS = 40;
    private final long seed = new Random().nextLong();
    private final GnuComparison all = new GnuComparison(seed);

    @Test
    void encodesAsGnuAsDoes(@TempDir Path folder) throws IOException {
        System.out.println("ReencodingTest seed " + seed);
        for (int round = 0; round < ROUNDS; round++) {
            integers();
            vectors();
            x87();
            avx();
        }
        all.check(folder);
    }

    private void with(String format, Size size, Reencoding instruction, Rm rm) {
        all.add(format.formatted(text(size, rm)), a -> a.encode(instruction, rm));
    }

    private void integers() {
        Gpr r = all.gpr();
        with("adc " + text(DWORD, r) + ", %s", DWORD, Reencoding.of(0, false, PRIMARY, 0x13, r.number()), all.mem());
        with("sub %s, " + text(WORD, r), WORD, Reencoding.of(OPERAND_SIZE, false, PRIMARY, 0x29, r.number()), all.mem());
        with("and %s, -7", QWORD, Reencoding.of(0, true, PRIMARY, 0x83, 4).withImmediate(0xf9, 1), all.rm());
        with("crc32 ecx, %s", WORD, Reencoding.of(OPERAND_SIZE | REPNE, false, ESCAPE_0F38, 0xf1, 1), all.gpr());
        with("xor %s, dh", BYTE, Reencoding.of(0, false, PRIMARY, 0x30, 6).withRex(Reencoding.Rex.NEVER), HighByte.BH);
        with("mov sil, %s", BYTE, Reencoding.of(0, false, PRIMARY, 0x8a, 6).withRex(Reencoding.Rex.ALWAYS), all.mem());
        Mem m = Mem.at(all.gpr(), all.below(100));
        with("lock or %s, r9", QWORD, Reencoding.of(LOCK, true, PRIMARY, 0x09, 9), m);
        Reencoding load = Reencoding.of(0, true, PRIMARY, 0xb8, 0).withImmediate(0x123456789abcdef0L, 8);
        all.add("movabs %s, 0x123456789abcdef0".formatted(text(QWORD, r)), a -> a.encodeInOpcode(load, r));
        all.add("cqo", a -> a.encode(Reencoding.of(0, true, PRIMARY, 0x99, 0)));
    }

    private void vectors() {
        Xmm x = all.xmm();
        String to = text(x);
        with("paddd " + to + ", %s", QWORD, Reencoding.of(OPERAND_SIZE, false, ESCAPE_0F, 0xfe, x.number()), all.xmm());
        with("mulsd " + to + ", %s", QWORD, Reencoding.of(REPNE, false, ESCAPE_0F, 0x59, x.number()), all.mem());
        with("cvtsi2ss " + to + ", %s", QWORD, Reencoding.of(REP, true, ESCAPE_0F, 0x2a, x.number()), all.rm());
        with("palignr " + to + ", %s, 5", QWORD,
                Reencoding.of(OPERAND_SIZE, false, ESCAPE_0F3A, 0x0f, x.number()).withImmediate(5, 1), all.xmm());
        with("pmulhw mm3, %s", QWORD, Reencoding.of(0, false, ESCAPE_0F, 0xe5, 3), all.mem());
    }

    private void x87() {
        with("fadd %s", DWORD, Reencoding.of(0, false, PRIMARY, 0xd8, 0), all.mem());
        with("fstp %s", QWORD, Reencoding.of(0, false, PRIMARY, 0xdd, 3), all.mem());
        all.add("fxch st(5)", a -> a.encode(Reencoding.of(0, false, PRIMARY, 0xd9, 1), Gpr.of(5)));
    }

    private void avx() {
        int to = all.below(16);
        int left = all.below(16);
        Reencoding fused = Reencoding.of(OPERAND_SIZE, true, ESCAPE_0F38, 0xb8, to).withVex(left, true);
        with("vfmadd231pd ymm%d, ymm%d, ".formatted(to, left) + "ymmword ptr %s", fused, all.mem());
        Reencoding subtract = Reencoding.of(REPNE, false, ESCAPE_0F, 0x5c, to).withVex(left, false);
        with("vsubsd xmm%d, xmm%d, %%s".formatted(to, left), QWORD, subtract, all.mem());
        Reencoding shuffle = Reencoding.of(OPERAND_SIZE, false, ESCAPE_0F, 0x70, to).withVex(0, true).withImmediate(0x1b, 1);
        with("vpshufd ymm%d, ".formatted(to) + "ymmword ptr %s, 0x1b", shuffle, all.mem());
    }

    private void with(String format, Reencoding instruction, Mem m) {
        all.add(format.formatted(text(m)), a -> a.encode(instruction, m));
    }

    @Test
    void refusesHighBytesBesideRex() {
        Assembler a = new Assembler(0);
        Reencoding xorHigh = Reencoding.of(0, false, PRIMARY, 0x30, 6).withRex(Reencoding.Rex.NEVER);
        assertThatThrownBy(() -> a.encode(xorHigh, Gpr.R8)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> a.encode(xorHigh.withRex(Reencoding.Rex.ALWAYS), HighByte.AH))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> xorHigh.withReg(16)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> xorHigh.withImmediate(0, 9)).isInstanceOf(IllegalArgumentException.class);
    }
}
