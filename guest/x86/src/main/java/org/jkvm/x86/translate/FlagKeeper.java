package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.BYTE;
import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x64.Size.WORD;
import static org.jkvm.x86.translate.HostRegisters.TEMP;
import static org.jkvm.x86.translate.HostRegisters.field;

import org.jkvm.x64.ArithmeticInstructions;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.BitInstructions.BitTest;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Gpr;
import org.jkvm.x86.state.CpuState;

/**
 * Where the guest's arithmetic flags are at this point of the code: in the host's flags, in {@link CpuState#FLAGS}, in both, or
 * in neither but to be had by doing again what set them. They are saved when something is about to clobber the host's, so that
 * they are right at any exit; or in the exit, where they can be computed there.
 */
final class FlagKeeper {
    /** Where they are. */
    enum Place { HOST, MEMORY, BOTH, REDO }

    private static final int OVERFLOW_BY_ADDING = 0x7f;
    private static final int CARRY_BIT = 8;

    private final Assembler a;
    private Place place;
    private FlagSource source;

    FlagKeeper(Assembler a, Place place) {
        this.a = a;
        this.place = place;
    }

    Place place() {
        return place;
    }

    /** Whether the host's flags are the guest's. */
    boolean inHost() {
        return place == Place.HOST || place == Place.BOTH;
    }

    /** What would set the flags in the host again; null where that is not known. */
    FlagSource source() {
        return source;
    }

    /** What has to be done again before an exit; null where the flags are in memory. */
    FlagSource pending() {
        return place == Place.REDO ? source : null;
    }

    /** Goes on as if the flags were at {@code other}: on another path of the code. */
    void assume(Place other) {
        place = other;
        source = null;
    }

    /** Goes on as if the flags could be had from {@code other}. */
    void assume(FlagSource other) {
        place = Place.REDO;
        source = other;
    }

    /** The host's flags are about to be clobbered: they go to memory. */
    void clobber() {
        if (place == Place.REDO) {
            source.write(a);
        }
        if (place == Place.HOST || place == Place.REDO) {
            writeSave(a);
        }
        assume(Place.MEMORY);
    }

    /** The host's flags are about to be clobbered, and {@link #source} holds until they are wanted or set again. */
    void forget() {
        place = Place.REDO;
    }

    /** As {@link #forget}, but the registers that they are had from are about to change. */
    void keepSource() {
        source = source.kept(a);
        place = Place.REDO;
    }

    /** The next instruction reads flags, or leaves some as they are. */
    void need() {
        if (place == Place.REDO) {
            source.write(a);
            place = Place.HOST;
        } else if (place == Place.MEMORY) {
            writeRestore(a);
            place = Place.BOTH;
        }
    }

    /** The next instruction reads or leaves CF, and sets all other flags. */
    void needCarry() {
        if (place == Place.MEMORY) {
            a.bitTest(BitTest.BT, WORD, field(CpuState.FLAGS), CARRY_BIT); // As wide as it was stored.
        } else {
            need();
        }
    }

    /** The last instruction set the flags; so does {@code again}, if it is not null. */
    void defined(FlagSource again) {
        place = Place.HOST;
        source = again;
    }

    /** The last instruction set the flags. */
    void defined() {
        defined(null);
    }

    /** The last instruction wrote these registers, a bit each, and no flags. */
    void wrote(int registers) {
        if (source != null && (source.registers() & registers) != 0) {
            if (place == Place.REDO) {
                throw new IllegalStateException("flags are lost");
            }
            source = null;
        }
    }

    /** Saves the host's flags in the struct. */
    static void writeSave(Assembler a) {
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
