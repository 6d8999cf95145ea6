package org.jkvm.x64;

import static org.jkvm.x64.GnuComparison.text;
import static org.jkvm.x64.Size.BYTE;
import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x64.Size.WORD;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every family of instructions with random operands against GNU as. */
class InstructionsTest {
    private static final int ROUNDS = 12;
    private static final List<Size> WIDE = List.of(WORD, DWORD, QWORD);
    private static final List<Size> VEX = List.of(DWORD, QWORD);

    private interface RmForm {
        void encode(Assembler a, Size size, Rm rm);
    }

    private interface RegRmForm {
        void encode(Assembler a, Size size, Gpr reg, Rm rm);
    }

    private interface RegRegRmForm {
        void encode(Assembler a, Size size, Gpr first, Gpr second, Rm rm);
    }

    private interface MemoryForm {
        void encode(Assembler a, Memory memory);
    }

    private interface CountForm {
        void encode(Assembler a, Size size, Rm rm, Gpr reg, int count);
    }

    private final long seed = new Random().nextLong();
    private final GnuComparison all = new GnuComparison(seed);

    @Test
    void encodesAsGnuAsDoes(@TempDir Path folder) throws IOException {
        System.out.println("InstructionsTest seed " + seed);
        for (int round = 0; round < ROUNDS; round++) {
            oneOperand();
            registerAndRm();
            moves();
            shifts();
            bits();
            bmi();
            memory();
            vectors();
        }
        highBytes();
        strings();
        plain();
        control();
        all.check(folder);
    }

    private static String lower(Enum<?> name) {
        return name.name().toLowerCase(Locale.ROOT);
    }

    private void rm(String name, List<Size> sizes, RmForm form) {
        for (Size size : sizes) {
            Rm rm = all.rm();
            all.add(name + " " + text(size, rm), a -> form.encode(a, size, rm));
        }
    }

    /** Text {@code name reg, rm}. */
    private void regRm(String name, List<Size> sizes, RegRmForm form) {
        for (Size size : sizes) {
            Gpr reg = all.gpr();
            Rm rm = all.rm();
            all.add("%s %s, %s".formatted(name, text(size, reg), text(size, rm)), a -> form.encode(a, size, reg, rm));
        }
    }

    /** Text {@code name rm, reg}. */
    private void rmReg(String name, List<Size> sizes, RegRmForm form) {
        for (Size size : sizes) {
            Gpr reg = all.notRax();
            Rm rm = all.rm() instanceof Mem m ? m : all.notRax();
            all.add("%s %s, %s".formatted(name, text(size, rm), text(size, reg)), a -> form.encode(a, size, reg, rm));
        }
    }

    private void oneOperand() {
        List<Size> sizes = List.of(Size.values());
        rm("inc", sizes, Assembler::inc);
        rm("dec", sizes, Assembler::dec);
        rm("not", sizes, Assembler::not);
        rm("neg", sizes, Assembler::neg);
        rm("mul", sizes, Assembler::mul);
        rm("imul", sizes, Assembler::imul);
        rm("div", sizes, Assembler::div);
        rm("idiv", sizes, Assembler::idiv);
        for (Size size : sizes) {
            int immediate = size == BYTE ? all.below(256) - 128 : all.below(0x8000);
            Rm rm = all.rm();
            all.add("test %s, %d".formatted(text(size, rm), immediate), a -> a.test(size, rm, immediate));
            for (Assembler.Alu op : Assembler.Alu.values()) {
                all.add("%s %s, %d".formatted(lower(op), text(size, rm), immediate), a -> a.alu(op, size, rm, immediate));
                all.add("%s %s, %d".formatted(lower(op), text(size, Gpr.RAX), immediate),
                        a -> a.alu(op, size, Gpr.RAX, immediate));
            }
        }
        rm("rdrand", WIDE, (a, size, ignored) -> a.rdrand(size, Gpr.R9), Gpr.R9);
        rm("rdseed", WIDE, (a, size, ignored) -> a.rdseed(size, Gpr.RDI), Gpr.RDI);
    }

    private void rm(String name, List<Size> sizes, RmForm form, Gpr register) {
        for (Size size : sizes) {
            all.add(name + " " + text(size, register), a -> form.encode(a, size, register));
        }
    }

    private void registerAndRm() {
        List<Size> sizes = List.of(Size.values());
        rmReg("test", sizes, (a, size, reg, rm) -> a.test(size, rm, reg));
        rmReg("xchg", sizes, (a, size, reg, rm) -> a.xchg(size, rm, reg));
        rmReg("xadd", sizes, (a, size, reg, rm) -> a.xadd(size, rm, reg));
        rmReg("cmpxchg", sizes, (a, size, reg, rm) -> a.cmpxchg(size, rm, reg));
        regRm("imul", WIDE, Assembler::imul);
        regRm("bsf", WIDE, Assembler::bsf);
        regRm("bsr", WIDE, Assembler::bsr);
        regRm("popcnt", WIDE, Assembler::popcnt);
        regRm("tzcnt", WIDE, Assembler::tzcnt);
        regRm("lzcnt", WIDE, Assembler::lzcnt);
        regRm("adcx", VEX, Assembler::adcx);
        regRm("adox", VEX, Assembler::adox);
        for (Size size : WIDE) {
            Gpr to = all.gpr();
            Rm rm = all.rm();
            int small = all.below(256) - 128;
            String text = "imul %s, %s, ".formatted(text(size, to), text(size, rm));
            all.add(text + small, a -> a.imul(size, to, rm, small));
            all.add(text + 0x1234, a -> a.imul(size, to, rm, 0x1234));
        }
    }

    private void moves() {
        for (Size from : List.of(BYTE, WORD)) {
            for (Size size : from == BYTE ? WIDE : VEX) {
                Gpr to = all.gpr();
                Rm rm = all.rm();
                String operands = text(size, to) + ", " + text(from, rm);
                all.add("movzx " + operands, a -> a.movzx(size, to, from, rm));
                all.add("movsx " + operands, a -> a.movsx(size, to, from, rm));
            }
            Gpr to = all.gpr();
            Rm rm = all.rm();
            all.add("crc32 %s, %s".formatted(text(DWORD, to), text(DWORD, rm)), a -> a.crc32(DWORD, to, rm));
            Gpr byteSource = all.gpr();
            all.add("crc32 %s, %s".formatted(text(DWORD, to), text(BYTE, byteSource)), a -> a.crc32(BYTE, to, byteSource));
        }
        Gpr r = all.gpr();
        Rm from = all.rm();
        Mem m = all.mem();
        all.add("movsxd %s, %s".formatted(text(QWORD, r), text(DWORD, from)), a -> a.movsxd(r, from));
        for (Size size : WIDE) {
            all.add("movbe %s, %s".formatted(text(size, r), text(size, m)), a -> a.movbe(size, r, m));
            all.add("movbe %s, %s".formatted(text(size, m), text(size, r)), a -> a.movbe(size, m, r));
        }
        for (Size size : VEX) {
            all.add("movnti %s, %s".formatted(text(size, m), text(size, r)), a -> a.movnti(size, m, r));
            all.add("bswap " + text(size, r), a -> a.bswap(size, r));
        }
        int immediate = all.below(0x10000) - 0x8000;
        all.add("push " + immediate, a -> a.push(immediate));
        all.add("enter %d, 3".formatted(immediate & 0x7fff), a -> a.enter(immediate & 0x7fff, 3));
    }

    private void shifts() {
        for (Size size : Size.values()) {
            for (Assembler.Shift op : Assembler.Shift.values()) {
                Rm rm = all.rm();
                int count = 2 + all.below(62);
                String text = lower(op) + " " + text(size, rm) + ", ";
                all.add(text + 1, a -> a.shift(op, size, rm, 1));
                all.add(text + count, a -> a.shift(op, size, rm, count));
                all.add(text + "cl", a -> a.shiftByCl(op, size, rm));
            }
        }
        for (Size size : WIDE) {
            doubleShift("shld", size, Assembler::shld);
            doubleShift("shrd", size, Assembler::shrd);
        }
    }

    private void doubleShift(String name, Size size, CountForm form) {
        Rm rm = all.rm();
        Gpr reg = all.gpr();
        int count = all.below(64);
        String operands = " %s, %s, ".formatted(text(size, rm), text(size, reg));
        all.add(name + operands + count, a -> form.encode(a, size, rm, reg, count));
        all.add("shld" + operands + "cl", a -> a.shldByCl(size, rm, reg));
        all.add("shrd" + operands + "cl", a -> a.shrdByCl(size, rm, reg));
    }

    private void bits() {
        for (Assembler.BitTest op : Assembler.BitTest.values()) {
            for (Size size : WIDE) {
                Rm rm = all.rm();
                Gpr index = all.gpr();
                int bit = all.below(16);
                all.add("%s %s, %s".formatted(lower(op), text(size, rm), text(size, index)),
                        a -> a.bitTest(op, size, rm, index));
                all.add("%s %s, %d".formatted(lower(op), text(size, rm), bit), a -> a.bitTest(op, size, rm, bit));
            }
        }
    }

    private void bmi() {
        regRm("blsr", VEX, Assembler::blsr);
        regRm("blsi", VEX, Assembler::blsi);
        regRm("blsmsk", VEX, Assembler::blsmsk);
        regRegRm("andn", Assembler::andn);
        regRegRm("pext", Assembler::pext);
        regRegRm("pdep", Assembler::pdep);
        regRegRm("mulx", Assembler::mulx);
        regRmReg("bextr", (a, size, to, last, rm) -> a.bextr(size, to, rm, last));
        regRmReg("bzhi", (a, size, to, last, rm) -> a.bzhi(size, to, rm, last));
        regRmReg("shlx", (a, size, to, last, rm) -> a.shlx(size, to, rm, last));
        regRmReg("shrx", (a, size, to, last, rm) -> a.shrx(size, to, rm, last));
        regRmReg("sarx", (a, size, to, last, rm) -> a.sarx(size, to, rm, last));
        for (Size size : VEX) {
            Gpr to = all.gpr();
            Rm rm = all.rm();
            all.add("rorx %s, %s, 7".formatted(text(size, to), text(size, rm)), a -> a.rorx(size, to, rm, 7));
        }
    }

    private void regRegRm(String name, RegRegRmForm form) {
        for (Size size : VEX) {
            Gpr first = all.gpr();
            Gpr second = all.gpr();
            Rm rm = all.rm();
            all.add("%s %s, %s, %s".formatted(name, text(size, first), text(size, second), text(size, rm)),
                    a -> form.encode(a, size, first, second, rm));
        }
    }

    private void regRmReg(String name, RegRegRmForm form) {
        for (Size size : VEX) {
            Gpr first = all.gpr();
            Gpr last = all.gpr();
            Rm rm = all.rm();
            all.add("%s %s, %s, %s".formatted(name, text(size, first), text(size, rm), text(size, last)),
                    a -> form.encode(a, size, first, last, rm));
        }
    }

    private void memory() {
        Map<String, MemoryForm> forms = Map.ofEntries(Map.entry("cmpxchg8b", Assembler::cmpxchg8b),
                Map.entry("cmpxchg16b", Assembler::cmpxchg16b), Map.entry("xsave64", Assembler::xsave64),
                Map.entry("xrstor64", Assembler::xrstor64), Map.entry("xsaveopt64", Assembler::xsaveopt64),
                Map.entry("fxsave64", Assembler::fxsave64), Map.entry("fxrstor64", Assembler::fxrstor64),
                Map.entry("ldmxcsr", Assembler::ldmxcsr), Map.entry("stmxcsr", Assembler::stmxcsr),
                Map.entry("clflush", Assembler::clflush), Map.entry("prefetcht0", Assembler::prefetcht0));
        forms.forEach((name, form) -> {
            Mem m = all.mem();
            all.add(name + " " + text(m), a -> form.encode(a, m));
        });
    }

    private void vectors() {
        Xmm x = all.xmm();
        Gpr r = all.gpr();
        Mem m = all.mem();
        vector("movd %s, %s", text(x), text(DWORD, r), a -> a.movd(x, r));
        vector("movd %s, %s", text(DWORD, m), text(x), a -> a.movd(m, x));
        vector("movq %s, %s", text(x), text(QWORD, r), a -> a.movq(x, r));
        vector("movq %s, %s", text(QWORD, r), text(x), a -> a.movq(r, x));
        vector("movq %s, %s", text(x), text(QWORD, m), a -> a.movq(x, m));
        vector("movq %s, %s", text(QWORD, m), text(x), a -> a.movq(m, x));
        vector("movdqa %s, %s", text(x), text(m), a -> a.movdqa(x, m));
        vector("movdqa %s, %s", text(m), text(x), a -> a.movdqa(m, x));
        vector("movups %s, %s", text(x), text(m), a -> a.movups(x, m));
        vector("movups %s, %s", text(m), text(x), a -> a.movups(m, x));
    }

    private void vector(String format, String first, String second, Consumer<Assembler> encoder) {
        all.add(format.formatted(first, second), encoder);
    }

    private void highBytes() {
        for (HighByte h : HighByte.values()) {
            all.add("mov %s, bl".formatted(lower(h)), a -> a.mov(BYTE, h, Gpr.RBX));
            all.add("movzx ecx, " + lower(h), a -> a.movzx(DWORD, Gpr.RCX, BYTE, h));
            all.add("add %s, 5".formatted(lower(h)), a -> a.add(BYTE, h, 5));
            all.add("sete " + lower(h), a -> a.set(Cond.E, h));
        }
    }

    private void strings() {
        for (Size size : Size.values()) {
            String suffix = "bwdq".substring(size.ordinal(), size.ordinal() + 1);
            all.add("rep movs" + suffix, a -> a.movs(Rep.REP, size));
            all.add("rep stos" + suffix, a -> a.stos(Rep.REP, size));
            all.add("lods" + suffix, a -> a.lods(Rep.ONCE, size));
            all.add("repe cmps" + suffix, a -> a.cmps(Rep.REP, size));
            all.add("repne scas" + suffix, a -> a.scas(Rep.REPNE, size));
        }
        all.add("xlatb", Assembler::xlatb);
    }

    private void plain() {
        for (Assembler.Plain instruction : Assembler.Plain.values()) {
            all.add(lower(instruction), a -> a.plain(instruction));
        }
        List.of("cbw", "cwde", "cdqe").forEach(name -> all.add(name, a -> a.cbw(size(name, "cbw", "cwde"))));
        List.of("cwd", "cdq", "cqo").forEach(name -> all.add(name, a -> a.cwd(size(name, "cwd", "cdq"))));
        all.add("leave", Assembler::leave);
        all.add("lahf", Assembler::lahf);
        all.add("sahf", Assembler::sahf);
        all.add("lock xadd qword ptr [rbx], r9", a -> {
            a.lock();
            a.xadd(QWORD, Mem.at(Gpr.RBX), Gpr.R9);
        });
    }

    private static Size size(String name, String word, String dword) {
        return name.equals(word) ? WORD : name.equals(dword) ? DWORD : QWORD;
    }

    private void control() {
        backwards("loop", Assembler::loop);
        backwards("loope", Assembler::loope);
        backwards("loopne", Assembler::loopne);
        backwards("jrcxz", Assembler::jrcxz);
        backwards("call", Assembler::call);
        all.add("ret 24", a -> a.ret(24));
        all.add("jmp 1f; nop; 1:", a -> forwards(a, a::jmpShort));
        all.add("jg 1f; nop; 1:", a -> forwards(a, label -> a.jShort(Cond.G, label)));
        all.add("call 1f; nop; 1:", a -> forwards(a, a::call));
    }

    private interface LabelForm {
        void encode(Assembler a, Label label);
    }

    private void backwards(String name, LabelForm form) {
        all.add("0: nop; %s 0b".formatted(name), a -> {
            Label here = new Label();
            a.bind(here);
            a.nop(1);
            form.encode(a, here);
        });
    }

    private static void forwards(Assembler a, Consumer<Label> form) {
        Label ahead = new Label();
        form.accept(ahead);
        a.nop(1);
        a.bind(ahead);
    }
}
