package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.BYTE;
import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x64.Size.WORD;
import static org.jkvm.x86.translate.HostRegisters.ADDRESS;
import static org.jkvm.x86.translate.HostRegisters.OTHER;
import static org.jkvm.x86.translate.HostRegisters.TEMP;

import org.jkvm.x64.ArithmeticInstructions.Shift;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.Mem;
import org.jkvm.x64.OpcodeMap;
import org.jkvm.x64.Reencoding;
import org.jkvm.x86.state.CpuState;

/**
 * Moves the guest's x87 registers into the host's unit and back, by XRSTOR and XSAVE of that component alone (SDM vol. 1,
 * sections 13.7 and 13.8). The struct has them by physical number, the image as a stack: R(TOP) comes first.
 */
final class X87Stubs {
    private static final int REGISTERS = 8;
    private static final int IMAGE_STACK = 32;
    private static final int IMAGE_TAGS = 4;
    private static final int IMAGE_STATE_BV = 512;
    private static final int X87_COMPONENT = 1;
    private static final int TOP_TO_OFFSET = 7;
    private static final int OFFSET_MASK = 0x70;
    /** Control and status word without ES and B, which follow from the others. */
    private static final int WORDS = 0x7f7f_ffff;
    private static final Reencoding XSAVE = Reencoding.of(0, false, OpcodeMap.ESCAPE_0F, 0xae, 4);
    private static final Reencoding XRSTOR = Reencoding.of(0, false, OpcodeMap.ESCAPE_0F, 0xae, 5);

    private X87Stubs() {
    }

    /** A function that loads them: called from generated code, so that RSP is 8 below the struct; changes flags. */
    static byte[] load(long origin) {
        Assembler a = new Assembler(origin);
        int pushed = 8;
        a.mov(QWORD, ADDRESS, Gpr.RAX);
        a.mov(QWORD, OTHER, Gpr.RDX);
        topOffset(a, pushed);
        for (int n = 0; n < REGISTERS; n++) {
            copy(a, register(pushed), field(pushed, CpuState.X87_IMAGE + IMAGE_STACK + 16 * n));
        }
        a.mov(DWORD, TEMP, field(pushed, CpuState.FCW));
        a.and(DWORD, TEMP, WORDS);
        a.mov(DWORD, field(pushed, CpuState.X87_IMAGE), TEMP);
        a.movzx(DWORD, TEMP, BYTE, field(pushed, CpuState.FTW));
        a.mov(WORD, field(pushed, CpuState.X87_IMAGE + IMAGE_TAGS), TEMP);
        a.mov(QWORD, field(pushed, CpuState.X87_IMAGE + IMAGE_STATE_BV), X87_COMPONENT);
        component(a);
        a.encode(XRSTOR, field(pushed, CpuState.X87_IMAGE));
        a.mov(BYTE, field(pushed, CpuState.X87_LIVE), 1);
        a.mov(QWORD, Gpr.RAX, ADDRESS);
        a.mov(QWORD, Gpr.RDX, OTHER);
        a.ret();
        return a.toByteArray();
    }

    /** Writes the way back: general registers are free. The host's unit is left as the calling convention wants it. */
    static void writeSave(Assembler a) {
        component(a);
        a.encode(XSAVE, field(0, CpuState.X87_IMAGE));
        a.mov(DWORD, TEMP, field(0, CpuState.X87_IMAGE));
        a.mov(DWORD, field(0, CpuState.FCW), TEMP);
        a.movzx(DWORD, TEMP, BYTE, field(0, CpuState.X87_IMAGE + IMAGE_TAGS));
        a.mov(BYTE, field(0, CpuState.FTW), TEMP);
        topOffset(a, 0);
        for (int n = 0; n < REGISTERS; n++) {
            copy(a, field(0, CpuState.X87_IMAGE + IMAGE_STACK + 16 * n), register(0));
        }
        a.fninit();
        a.mov(BYTE, field(0, CpuState.X87_LIVE), 0);
    }

    /** EDX:EAX, which components to move. */
    private static void component(Assembler a) {
        a.mov(DWORD, Gpr.RAX, X87_COMPONENT);
        a.xor(DWORD, Gpr.RDX, Gpr.RDX);
    }

    /** RAX becomes the offset of R(TOP) among the registers. */
    private static void topOffset(Assembler a, int pushed) {
        a.movzx(DWORD, Gpr.RAX, WORD, field(pushed, CpuState.FSW));
        a.shift(Shift.SHR, DWORD, Gpr.RAX, TOP_TO_OFFSET);
        a.and(DWORD, Gpr.RAX, OFFSET_MASK);
    }

    /** Ten bytes; and RAX becomes the next register's offset. */
    private static void copy(Assembler a, Mem from, Mem to) {
        a.mov(QWORD, TEMP, from);
        a.mov(QWORD, to, TEMP);
        a.movzx(DWORD, TEMP, WORD, from.plus(8));
        a.mov(WORD, to.plus(8), TEMP);
        a.add(DWORD, Gpr.RAX, 16);
        a.and(DWORD, Gpr.RAX, OFFSET_MASK);
    }

    private static Mem register(int pushed) {
        return Mem.at(HostRegisters.STRUCT, Gpr.RAX, 1, pushed + CpuState.X87);
    }

    private static Mem field(int pushed, int offset) {
        return HostRegisters.field(pushed + offset);
    }
}
