package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.BYTE;
import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x64.Size.WORD;
import static org.jkvm.x86.translate.HostRegisters.TEMP;
import static org.jkvm.x86.translate.HostRegisters.field;

import org.jkvm.x64.ArithmeticInstructions;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Gpr;
import org.jkvm.x86.state.CpuState;

/**
 * Where the guest's arithmetic flags are at this point of the code: in the host's flags, in {@link CpuState#FLAGS}, or both.
 * They are saved when something is about to clobber the host's, so that they are right at any exit.
 */
final class FlagKeeper {
    /** Where they are. */
    enum Place { HOST, MEMORY, BOTH }

    private static final int OVERFLOW_BY_ADDING = 0x7f;

    private final Assembler a;
    private Place place;

    FlagKeeper(Assembler a, Place place) {
        this.a = a;
        this.place = place;
    }

    Place place() {
        return place;
    }

    /** Goes on as if the flags were at {@code other}: on another path of the code. */
    void assume(Place other) {
        place = other;
    }

    /** The host's flags are about to be clobbered. */
    void clobber() {
        if (place == Place.HOST) {
            writeSave();
        }
        place = Place.MEMORY;
    }

    /** The next instruction reads flags, or leaves some as they are. */
    void need() {
        if (place == Place.MEMORY) {
            writeRestore(a);
            place = Place.BOTH;
        }
    }

    /** The last instruction set the flags. */
    void defined() {
        place = Place.HOST;
    }

    private void writeSave() {
        a.mov(QWORD, TEMP, Gpr.RAX);
        a.lahf();
        a.set(Cond.O, Gpr.RAX);
        a.mov(WORD, field(CpuState.FLAGS), Gpr.RAX);
        a.mov(QWORD, Gpr.RAX, TEMP);
    }

    /** Loads the host's flags from the struct. */
    static void writeRestore(Assembler a) {
        a.mov(QWORD, TEMP, Gpr.RAX);
        a.movzx(DWORD, Gpr.RAX, WORD, field(CpuState.FLAGS)); // As wide as it was stored: stores forward to such loads.
        a.alu(ArithmeticInstructions.Alu.ADD, BYTE, Gpr.RAX, OVERFLOW_BY_ADDING);
        a.sahf();
        a.mov(QWORD, Gpr.RAX, TEMP);
    }

    /** Bits of RFLAGS from the two bytes at {@link CpuState#FLAGS}. */
    static int toRflags(int saved) {
        return saved >>> 8 & 0xd5 | (saved & 1) << 11;
    }

    /** The two bytes for {@link CpuState#FLAGS} from bits of RFLAGS. */
    static int fromRflags(int rflags) {
        return (rflags & 0xd5) << 8 | rflags >>> 11 & 1;
    }
}
