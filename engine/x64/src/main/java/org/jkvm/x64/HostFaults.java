package org.jkvm.x64;

import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x64.Size.WORD;

import java.util.List;
import org.jkvm.linux.NativeSignalHandlers;
import org.jkvm.linux.RawMemory;

/**
 * The signal handler that turns a fault of {@link HostCpu}'s instruction into an exit. It knows its own by the stack it
 * runs on, which lies in a cell while an instruction runs and nowhere below 2 GiB otherwise; all else goes to the handler
 * before it, HotSpot's. There is one a process, installed on first use and never taken away: signals belong to processes.
 */
final class HostFaults {
    private static final List<Integer> SIGNALS = List.of(NativeSignalHandlers.SIGILL, NativeSignalHandlers.SIGTRAP,
            NativeSignalHandlers.SIGBUS, NativeSignalHandlers.SIGFPE, NativeSignalHandlers.SIGSEGV);
    private static final int HANDLER_BYTES = 0x1000;
    private static final int TABLE = 0x800;

    // Offsets in ucontext_t on x86-64 (sys/ucontext.h): uc_mcontext is at 40, its gregs are 8 bytes each
    private static final int UC_RIP = 40 + 16 * 8;
    private static final int UC_EFLAGS = 40 + 17 * 8;
    private static final int UC_CS = 40 + 18 * 8;
    private static final int UC_SS = UC_CS + 6;
    private static final int UC_ERR = 40 + 19 * 8;
    private static final int UC_TRAPNO = 40 + 20 * 8;
    private static final int UC_CR2 = 40 + 22 * 8;

    /** Selector of 64-bit user code on Linux (asm/segment.h, __USER_CS). */
    static final int USER_CS = 0x33;
    /** RF, TF and AC, which must not trouble the way out. */
    private static final int TROUBLE_FLAGS = 0x5_0100;

    // Where the handler leaves what it found, from the cell's control words on
    static final int FAULT_RIP = 0x40;
    static final int FAULT_RFLAGS = 0x48;
    static final int FAULT_ERROR = 0x50;
    static final int FAULT_VECTOR = 0x58;
    static final int FAULT_ADDRESS = 0x60;

    private HostFaults() {
    }

    /** Makes sure that the handler is in place. */
    static void install() {
        Holder.touch();
    }

    /** Runs once, when first touched. */
    private static final class Holder {
        private static final CodeCache CODE = new CodeCache(HANDLER_BYTES, CodeCache.Protection.WRITE_AND_EXECUTE);

        static {
            long handler = CODE.place(handler(CODE.next(), CODE.next() + TABLE));
            for (int signal : SIGNALS) {
                // SAFETY: the table follows the handler in the code cache, with a place for each signal.
                RawMemory.putLong(CODE.writable(handler + TABLE + 8L * signal), NativeSignalHandlers.current(signal));
                NativeSignalHandlers.replace(signal, handler);
            }
        }

        private static void touch() {
            // Being called is all: the class is initialised.
        }
    }

    private static byte[] handler(long origin, long table) {
        Assembler a = new Assembler(origin);
        Label notOurs = new Label();
        a.mov(QWORD, Gpr.RAX, Gpr.RSP);
        a.cmp(QWORD, Gpr.RAX, Integer.MAX_VALUE);
        a.j(Cond.A, notOurs);
        a.and(QWORD, Gpr.RAX, (int) -HostCpu.CELL_BYTES);
        keep(a, UC_RIP, FAULT_RIP);
        keep(a, UC_EFLAGS, FAULT_RFLAGS);
        keep(a, UC_ERR, FAULT_ERROR);
        keep(a, UC_TRAPNO, FAULT_VECTOR);
        keep(a, UC_CR2, FAULT_ADDRESS);
        a.lea(QWORD, Gpr.RCX, Mem.at(Gpr.RAX, HostCpu.FAULT_EXIT));
        a.mov(QWORD, Mem.at(Gpr.RDX, UC_RIP), Gpr.RCX);
        a.and(QWORD, Mem.at(Gpr.RDX, UC_EFLAGS), ~TROUBLE_FLAGS);
        a.mov(WORD, Mem.at(Gpr.RDX, UC_CS), USER_CS);
        a.mov(WORD, Mem.at(Gpr.RDX, UC_SS), HostCpuStub.USER_DS);
        a.ret();
        a.bind(notOurs);
        a.mov(Gpr.RCX, table);
        a.jmp(Mem.at(Gpr.RCX, Gpr.RDI, 8, 0));
        return a.toByteArray();
    }

    private static void keep(Assembler a, int from, int to) {
        a.mov(QWORD, Gpr.RCX, Mem.at(Gpr.RDX, from));
        a.mov(QWORD, Mem.at(Gpr.RAX, HostCpu.CONTROL + to), Gpr.RCX);
    }
}
