package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.BYTE;
import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x64.Size.WORD;
import static org.jkvm.x86.translate.HostRegisters.ADDRESS;
import static org.jkvm.x86.translate.HostRegisters.OTHER;
import static org.jkvm.x86.translate.HostRegisters.STACK_POINTER;
import static org.jkvm.x86.translate.HostRegisters.STRUCT;
import static org.jkvm.x86.translate.HostRegisters.TEMP;
import static org.jkvm.x86.translate.HostRegisters.field;

import org.jkvm.x64.ArithmeticInstructions.Alu;
import org.jkvm.x64.ArithmeticInstructions.Shift;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.Label;
import org.jkvm.x64.Mem;
import org.jkvm.x86.exec.SystemOps;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;
import org.jkvm.x86.trap.Returns;
import org.jkvm.x86.trap.Transfers;

/**
 * Changes of privilege between 64-bit code: SYSCALL, SYSRET, IRET. Everything is checked before anything is changed; what is
 * not as it always is, a flag that does more than stand there, a frame that is no plain memory, descriptors that
 * {@link Returns} does not know, is the interpreter's. So is everything while there is a request, which IF might let in.
 */
final class TransferCode {
    private static final int RCX = 1;
    private static final int R11 = CpuState.general(11, 8, true);
    private static final int LEVEL = 3;
    private static final int TABLE_INDICATOR_AND_LEVEL = 7;
    private static final int LONG_CODE = SystemOps.LONG_CODE;
    private static final int FLAT_DATA = SystemOps.FLAT_DATA;
    private static final int USER = LEVEL << Segment.DPL_SHIFT;
    /** What these leave for the interpreter where it is to be one: single steps, and another TLB. */
    private static final int RARE = Rflags.TF | Rflags.AC;
    /** The frame of IRET: RIP, CS, RFLAGS, RSP, SS (SDM vol. 3A, section 6.14.2). */
    private static final int FRAME = 40;
    private static final int FRAME_CS = 8;
    private static final int FRAME_RFLAGS = 16;
    private static final int FRAME_RSP = 24;
    private static final int FRAME_SS = 32;

    private final BlockCode code;
    private final Assembler a;
    private final BranchCode branch;
    private final SystemCode system;

    TransferCode(BlockCode code, BranchCode branch, SystemCode system) {
        this.code = code;
        this.a = code.a;
        this.branch = branch;
        this.system = system;
    }

    // ---- SYSCALL and SYSRET (SDM vol. 2B; AMD APM vol. 3) ----

    boolean syscall(Insn i) {
        if (!code.mode.is64()) {
            return false;
        }
        requireSystemCalls();
        system.image(Rflags.RF);
        a.mov(QWORD, ADDRESS, field(CpuState.FMASK));
        a.not(DWORD, ADDRESS);
        a.alu(Alu.AND, DWORD, ADDRESS, OTHER);
        a.test(DWORD, ADDRESS, RARE);
        a.j(Cond.NE, code.step());
        code.set(R11, 8, OTHER);
        a.mov(QWORD, OTHER, ADDRESS);
        system.load(Rflags.ALL);
        code.address(HostRegisters.of(RCX), code.next(i));
        a.mov(DWORD, OTHER, field(CpuState.STAR + 4));
        a.and(DWORD, OTHER, 0xfffc);
        enter(LONG_CODE, FLAT_DATA, 8);
        a.mov(QWORD, TEMP, field(CpuState.LSTAR));
        a.mov(QWORD, field(CpuState.EXIT_TARGET), TEMP);
        branch.lookAtRequests();
        branch.goTo(code.mode.of64(false));
        return true;
    }

    boolean sysret(Insn i) {
        if (!code.mode.is64() || !code.mode.kernel() || i.operandSize != 8) {
            return false;
        }
        requireSystemCalls();
        system.leaveIfRequested();
        a.mov(DWORD, OTHER, code.load(R11 - CpuState.GENERAL >> 3, OTHER));
        a.test(DWORD, OTHER, RARE);
        a.j(Cond.NE, code.step());
        code.requireCanonical(HostRegisters.of(RCX));
        system.load(Rflags.ALL & ~Rflags.RF & ~Rflags.VM);
        a.movzx(DWORD, OTHER, WORD, field(CpuState.STAR + 6));
        a.and(DWORD, OTHER, 0xfffc);
        a.lea(DWORD, OTHER, Mem.at(OTHER, 16));
        a.alu(Alu.OR, DWORD, OTHER, LEVEL);
        enter(LONG_CODE | USER, FLAT_DATA | USER, -8);
        a.mov(QWORD, field(CpuState.EXIT_TARGET), HostRegisters.of(RCX));
        branch.lookAtRequests();
        branch.goTo(code.mode.of64(true));
        return true;
    }

    private void requireSystemCalls() {
        a.test(BYTE, field(CpuState.EFER), (int) Control.EFER_SCE);
        a.j(Cond.E, code.step());
    }

    /** Flat CS with the selector in OTHER, and SS with that {@code further} on. TEMP is used. */
    private void enter(int codeAccess, int dataAccess, int further) {
        flat(Segment.CS, codeAccess);
        a.lea(DWORD, OTHER, Mem.at(OTHER, further));
        flat(Segment.SS, dataAccess);
        a.alu(Alu.OR, DWORD, field(CpuState.TRANSFERS), Transfers.SEGMENTS);
    }

    private void flat(int segment, int access) {
        int at = CpuState.segment(segment);
        a.mov(QWORD, field(at), 0);
        a.mov(DWORD, field(at + CpuState.LIMIT), -1);
        a.mov(DWORD, field(at + CpuState.ACCESS), access);
        a.movzx(DWORD, TEMP, WORD, OTHER);
        a.mov(DWORD, field(at + CpuState.SELECTOR), TEMP);
    }

    // ---- IRET (SDM vol. 2A; vol. 3A, section 6.14) ----

    boolean iret(Insn i) {
        if (!code.mode.is64() || !code.mode.kernel() || i.operandSize != 8) {
            return false;
        }
        system.leaveIfRequested();
        a.test(DWORD, field(CpuState.RFLAGS), Rflags.NT);
        a.j(Cond.NE, code.step());
        a.mov(QWORD, ADDRESS, STACK_POINTER);
        code.memory.translate(Mmu.READ_TAG, FRAME, false);
        a.test(DWORD, Mem.at(ADDRESS, FRAME_RFLAGS), RARE);
        a.j(Cond.NE, code.step());
        a.mov(QWORD, OTHER, Mem.at(ADDRESS));
        code.requireCanonical(OTHER);
        requireKnown();
        loadFrame();
        return true;
    }

    /** Leaves where the selectors in the frame at ADDRESS, or their descriptors, are not what {@link Returns} knows. */
    private void requireKnown() {
        a.mov(QWORD, field(CpuState.CARRIED), ADDRESS);
        a.movzx(DWORD, TEMP, WORD, Mem.at(ADDRESS, FRAME_SS));
        a.movzx(DWORD, OTHER, WORD, Mem.at(ADDRESS, FRAME_CS));
        a.mov(DWORD, ADDRESS, TEMP);
        a.shift(Shift.SHL, DWORD, ADDRESS, Short.SIZE);
        a.alu(Alu.OR, DWORD, OTHER, ADDRESS);
        a.not(QWORD, OTHER);
        a.and(DWORD, TEMP, Returns.INDEX_MASK);
        a.shift(Shift.SHL, DWORD, TEMP, Returns.INDEX_SHIFT);
        a.mov(QWORD, field(CpuState.SCRATCH), TEMP);
        a.alu(Alu.CMP, QWORD, OTHER, known(Returns.SELECTORS));
        a.j(Cond.NE, code.step());
        Label levels = new Label();
        requireDescriptor(FRAME_CS, Returns.CODE);
        a.cmp(QWORD, known(Returns.STACK), 0);
        a.j(Cond.E, levels);
        requireDescriptor(FRAME_SS, Returns.STACK);
        a.bind(levels);
        requireOuterData();
    }

    /** A field of the entry whose offset is in TEMP. */
    private static Mem known(int offset) {
        return Mem.at(STRUCT, TEMP, 1, CpuState.RETURNS + offset);
    }

    /** Leaves where the descriptor of the selector at {@code offset} of the frame is another; TEMP stays the entry's offset. */
    private void requireDescriptor(int offset, int inEntry) {
        a.mov(QWORD, ADDRESS, field(CpuState.CARRIED));
        a.movzx(DWORD, ADDRESS, WORD, Mem.at(ADDRESS, offset));
        a.alu(Alu.OR, DWORD, ADDRESS, TABLE_INDICATOR_AND_LEVEL);
        a.alu(Alu.CMP, QWORD, ADDRESS, field(CpuState.GDTR + 8));
        a.j(Cond.A, code.step());
        a.alu(Alu.XOR, DWORD, ADDRESS, TABLE_INDICATOR_AND_LEVEL);
        a.alu(Alu.ADD, QWORD, ADDRESS, field(CpuState.GDTR));
        Mem descriptor = code.memory.translateForSystem(Long.BYTES);
        a.mov(QWORD, OTHER, descriptor);
        a.mov(QWORD, TEMP, field(CpuState.SCRATCH));
        a.alu(Alu.CMP, QWORD, OTHER, known(inEntry));
        a.j(Cond.NE, code.step());
    }

    /** At CPL 3 no data segment of an inner level may be left (SDM vol. 2B, RET, operation). */
    private void requireOuterData() {
        Label stays = new Label();
        a.mov(QWORD, ADDRESS, field(CpuState.CARRIED));
        a.test(BYTE, Mem.at(ADDRESS, FRAME_CS), LEVEL);
        a.j(Cond.E, stays);
        a.cmp(DWORD, field(CpuState.INNER), 0);
        a.j(Cond.NE, code.step());
        a.bind(stays);
    }

    /** Loads everything from the frame at ADDRESS, the segments as the entry whose offset is in TEMP says, and goes there. */
    private void loadFrame() {
        segment(Segment.CS, Returns.CODE_LOADED, FRAME_CS);
        segment(Segment.SS, Returns.STACK_LOADED, FRAME_SS);
        a.mov(QWORD, OTHER, Mem.at(ADDRESS));
        a.mov(QWORD, field(CpuState.EXIT_TARGET), OTHER);
        a.mov(QWORD, STACK_POINTER, Mem.at(ADDRESS, FRAME_RSP));
        a.mov(DWORD, OTHER, Mem.at(ADDRESS, FRAME_RFLAGS));
        system.load(Rflags.ALL & ~Rflags.VM);
        a.alu(Alu.OR, DWORD, field(CpuState.TRANSFERS), Transfers.SEGMENTS | Transfers.RETURN);
        branch.lookAtRequests();
        a.and(DWORD, field(CpuState.RFLAGS), ~Rflags.RF); // The next instruction begins, and nothing breaks at it.
        Label user = new Label();
        a.test(BYTE, field(CpuState.segment(Segment.CS) + CpuState.SELECTOR), LEVEL);
        a.j(Cond.NE, user);
        branch.goTo(code.mode.of64(false));
        a.bind(user);
        branch.goTo(code.mode.of64(true));
    }

    private void segment(int segment, int loaded, int inFrame) {
        int at = CpuState.segment(segment);
        a.mov(QWORD, OTHER, known(loaded));
        a.mov(QWORD, field(at + CpuState.LIMIT), OTHER);
        a.mov(QWORD, OTHER, known(loaded + Long.BYTES));
        a.mov(QWORD, field(at), OTHER);
        a.movzx(DWORD, OTHER, WORD, Mem.at(ADDRESS, inFrame));
        a.mov(DWORD, field(at + CpuState.SELECTOR), OTHER);
    }
}
