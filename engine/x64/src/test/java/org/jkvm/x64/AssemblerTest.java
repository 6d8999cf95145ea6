package org.jkvm.x64;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.jkvm.x64.GnuComparison.hex;
import static org.jkvm.x64.GnuComparison.text;
import static org.jkvm.x64.Size.BYTE;
import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x64.Size.WORD;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every encoder against GNU as. */
class AssemblerTest {
    private static final List<Mem> ADDRESSES = List.of(Mem.at(Gpr.RAX), Mem.at(Gpr.RSP), Mem.at(Gpr.RBP), Mem.at(Gpr.R12),
            Mem.at(Gpr.R13), Mem.at(Gpr.RSP, 8), Mem.at(Gpr.RBX, -128), Mem.at(Gpr.R9, 128), Mem.at(Gpr.R12, -4096),
            Mem.at(Gpr.RBP, Gpr.RAX, 1, 0), Mem.at(Gpr.R13, Gpr.R12, 8, 0), Mem.at(Gpr.RCX, Gpr.RBP, 4, 127),
            Mem.at(Gpr.RSP, Gpr.R15, 2, 0x12345678), Mem.absolute(0x1000), Mem.absolute(-8),
            new Mem(null, Gpr.RSI, 8, 0x40), new Mem(null, Gpr.R8, 4, -1));

    private final GnuComparison cases = new GnuComparison(0);

    private void add(String text, Consumer<Assembler> encoder) {
        cases.add(text, encoder);
    }

    @Test
    void encodesAsGnuAsDoes(@TempDir Path folder) throws IOException {
        moves();
        arithmetic();
        conditions();
        stackAndState();
        cases.check(folder);
    }

    private void moves() {
        for (Size size : Size.values()) {
            for (Gpr to : Gpr.values()) {
                for (Gpr from : List.of(Gpr.RAX, Gpr.RSP, Gpr.RDI, Gpr.R8, Gpr.R15)) {
                    add("mov %s, %s".formatted(text(size, to), text(size, from)), a -> a.mov(size, to, from));
                }
                Mem m = ADDRESSES.get(to.number());
                add("mov %s, %s".formatted(text(size, m), text(size, to)), a -> a.mov(size, m, to));
                add("mov %s, %s".formatted(text(size, to), text(size, m)), a -> a.mov(size, to, m));
            }
            ADDRESSES.forEach(m -> add("mov %s, 0x12".formatted(text(size, m)), a -> a.mov(size, m, 0x12)));
        }
        for (Gpr to : Gpr.values()) {
            add("movabs %s, 0x123456789abcdef0".formatted(text(QWORD, to)), a -> a.mov(to, 0x123456789abcdef0L));
            add("mov %s, 0x89abcdef".formatted(text(DWORD, to)), a -> a.mov(to, 0x89abcdefL));
            add("mov %s, -2".formatted(text(QWORD, to)), a -> a.mov(to, -2));
            ADDRESSES.forEach(m -> add("lea %s, %s".formatted(text(DWORD, to), text(m)), a -> a.lea(DWORD, to, m)));
        }
    }

    private void arithmetic() {
        for (Assembler.Alu op : Assembler.Alu.values()) {
            String name = op.name().toLowerCase(Locale.ROOT);
            for (Size size : Size.values()) {
                for (int i = 0; i < 16; i++) {
                    Gpr r = Gpr.of(i);
                    Gpr s = Gpr.of(15 - i);
                    Mem m = ADDRESSES.get(i);
                    add("%s %s, %s".formatted(name, text(size, r), text(size, s)), a -> a.alu(op, size, r, s));
                    add("%s %s, %s".formatted(name, text(size, m), text(size, r)), a -> a.alu(op, size, (Rm) m, r));
                    add("%s %s, %s".formatted(name, text(size, r), text(size, m)), a -> a.alu(op, size, r, m));
                    add("%s %s, -5".formatted(name, text(size, m)), a -> a.alu(op, size, m, -5));
                }
                int wide = size == BYTE ? 0x70 : 0x1234;
                add("%s %s, %d".formatted(name, text(size, Gpr.RDI), wide), a -> a.alu(op, size, Gpr.RDI, wide));
            }
        }
        add("add rbx, rcx", a -> a.add(QWORD, Gpr.RBX, Gpr.RCX));
        add("add bx, 3", a -> a.add(WORD, Gpr.RBX, 3));
        add("sub rbx, rcx", a -> a.sub(QWORD, Gpr.RBX, Gpr.RCX));
        add("sub rsp, 8", a -> a.sub(QWORD, Gpr.RSP, 8));
        add("and r10d, 7", a -> a.and(DWORD, Gpr.R10, 7));
        add("xor ecx, ecx", a -> a.xor(DWORD, Gpr.RCX, Gpr.RCX));
        add("cmp r11, rdx", a -> a.cmp(QWORD, Gpr.R11, Gpr.RDX));
        add("cmp r11w, 0x1234", a -> a.cmp(WORD, Gpr.R11, 0x1234));
    }

    private void conditions() {
        for (Cond c : Cond.values()) {
            String name = c.name().toLowerCase(Locale.ROOT);
            for (Gpr r : Gpr.values()) {
                add("set%s %s".formatted(name, text(BYTE, r)), a -> a.set(c, r));
                add("cmov%s %s, r9".formatted(name, text(QWORD, r)), a -> a.cmov(c, QWORD, r, Gpr.R9));
            }
            add("cmov%s cx, word ptr [r12]".formatted(name), a -> a.cmov(c, WORD, Gpr.RCX, Mem.at(Gpr.R12)));
            add("0: j%s 0b".formatted(name), a -> {
                Label here = new Label();
                a.bind(here);
                a.j(c, here);
            });
            add("j%s 1f; nop; 1:".formatted(name).replace("j" + name, "{disp32} j" + name), a -> {
                Label ahead = new Label();
                a.j(c, ahead);
                a.bytes((byte) 0x90);
                a.bind(ahead);
            });
        }
        add("0: jmp 0b", a -> {
            Label here = new Label();
            a.bind(here);
            a.jmp(here);
        });
        add("0: .fill 126, 1, 0x90; jmp 0b; .fill 127, 1, 0x90; jmp 0b", a -> {
            Label here = new Label();
            a.bind(here);
            a.bytes(nops(126));
            a.jmp(here);
            a.bytes(nops(127));
            a.jmp(here);
        });
        add("{disp32} jmp 1f; {disp32} jmp 1f; {disp32} jmp 1f; nop; 1:", a -> {
            Label ahead = new Label();
            a.jmp(ahead);
            a.jmp(ahead);
            a.jmp(ahead);
            a.bytes((byte) 0x90);
            a.bind(ahead);
        });
    }

    private static byte[] nops(int count) {
        byte[] nops = new byte[count];
        java.util.Arrays.fill(nops, (byte) 0x90);
        return nops;
    }

    private void stackAndState() {
        for (Gpr r : Gpr.values()) {
            add("push " + text(QWORD, r), a -> a.push(r));
            add("pop " + text(QWORD, r), a -> a.pop(r));
            add("jmp " + text(QWORD, r), a -> a.jmp(r));
            add("call " + text(QWORD, r), a -> a.call(r));
        }
        for (Mem m : ADDRESSES) {
            add("push " + text(QWORD, m), a -> a.push(m));
            add("pop " + text(QWORD, m), a -> a.pop(m));
            add("jmp " + text(QWORD, m), a -> a.jmp(m));
            add("call " + text(QWORD, m), a -> a.call(m));
            add("fxsave64 " + text(m), a -> a.fxsave64(m));
            add("fxrstor64 " + text(m), a -> a.fxrstor64(m));
            add("ldmxcsr " + text(DWORD, m), a -> a.ldmxcsr(m));
            add("stmxcsr " + text(DWORD, m), a -> a.stmxcsr(m));
            add("fldcw " + text(WORD, m), a -> a.fldcw(m));
            add("fnstcw " + text(WORD, m), a -> a.fnstcw(m));
        }
        add("mov ds, eax", a -> a.mov(Segment.DS, Gpr.RAX));
        add("mov es, r9d", a -> a.mov(Segment.ES, Gpr.R9));
        add("jmp fword ptr [rbx+8]", a -> a.jmpFar(Mem.at(Gpr.RBX, 8)));
        add("syscall", Assembler::syscall);
        add("ret", Assembler::ret);
        add("pushfq", Assembler::pushfq);
        add("popfq", Assembler::popfq);
        add("cld", Assembler::cld);
        add("fninit", Assembler::fninit);
    }

    @Test
    void ripRelativeOperandsCountTheImmediate() {
        Assembler a = new Assembler(0x1000);
        a.mov(DWORD, new RipRelative(0x1000), 1);
        a.mov(QWORD, Gpr.RAX, new RipRelative(0x2000));
        assertThat(hex(a.toByteArray())).isEqualTo("c7 05 f6 ff ff ff 01 00 00 00 48 8b 05 ef 0f 00 00");
        assertThatThrownBy(() -> a.jmp(0x1_0000_0000L)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void placesInTheCodeAreOperands() {
        Assembler a = new Assembler(0x1000);
        Label constant = new Label();
        a.cmp(DWORD, new RipLabel(constant), 0x12345678);
        a.lea(QWORD, Gpr.R9, new RipLabel(constant));
        a.bind(constant);
        a.inc(BYTE, new RipLabel(constant));
        assertThat(hex(a.toByteArray())).isEqualTo("81 3d 07 00 00 00 78 56 34 12 4c 8d 0d 00 00 00 00 fe 05 fa ff ff ff");
    }

    @Test
    void patchablePlacesAreAligned() {
        for (int before = 0; before < 16; before++) {
            Assembler a = new Assembler(0x1000);
            a.nop(before);
            assertThat(a.length()).isEqualTo(before);
            assertThat(a.jmpPatchable(0x2000) % 4).isZero();
            assertThat(a.jPatchable(Cond.E, 0x2000) % 4).isZero();
            assertThat(a.movPatchable(Gpr.R8, -1) % 8).isZero();
        }
    }

    @Test
    void jumpsToAddressesAreRelative() {
        Assembler a = new Assembler(0x1000);
        a.jmp(0x1000);
        a.j(Cond.E, 0x1100);
        assertThat(hex(a.toByteArray())).isEqualTo("e9 fb ff ff ff 0f 84 f5 00 00 00");
    }

    @Test
    void refusesWhatX86CannotSay() {
        assertThatThrownBy(() -> Mem.at(Gpr.RAX, Gpr.RSP, 1, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Mem.at(Gpr.RAX, Gpr.RCX, 3, 0)).isInstanceOf(IllegalArgumentException.class);
        Label label = new Label();
        Assembler a = new Assembler(0);
        a.bind(label);
        assertThatThrownBy(() -> a.bind(label)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> Mem.at(Gpr.RAX).in(Segment.DS)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> a.mov(BYTE, HighByte.AH, Gpr.RSI)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> a.andn(WORD, Gpr.RAX, Gpr.RAX, Gpr.RAX)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refusesLabelsThatAreTooFarOrMissing() {
        Assembler a = new Assembler(0);
        Label far = new Label();
        a.jmpShort(far);
        assertThatThrownBy(a::toByteArray).isInstanceOf(IllegalStateException.class);
        a.nop(128);
        assertThatThrownBy(() -> a.bind(far)).isInstanceOf(IllegalStateException.class);
    }
}
