package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.Breakpoint;

/**
 * A vCPU's single step and breakpoints (KVM_SET_GUEST_DEBUG). The kernel stops at an instruction's breakpoint as often as it is
 * told to go on, whatever RF says: the instruction is executed as a single step, with its breakpoint off. It is told nothing that
 * it knows: with each request for single steps it sets TF where the processor is, and an interrupt that comes there takes TF along
 * to the guest's stack. On the vCPU's thread.
 */
final class Debugging {
    private final Handle vcpu;
    private final MemorySegment request;
    /** KVM_GUESTDBG_BLOCKIRQ where the kernel has it: without it, an interrupt may come first, and the breakpoint is hit again. */
    private final int blockInterrupts;
    private List<Breakpoint> breakpoints = List.of();
    private boolean stepping;
    /** The breakpoints, a bit each, whose instruction is executed next. */
    private int passing;

    /** {@code offered} is what the kernel has, by bit; the buffer lives in {@code arena}. */
    Debugging(Handle vcpu, int offered, Arena arena) {
        this.vcpu = vcpu;
        this.blockInterrupts = offered & Abi.GuestDebug.BLOCKIRQ;
        this.request = arena.allocate(Abi.GuestDebug.S.size(), 8);
    }

    void singleStep(boolean on) {
        if (stepping != on) {
            stepping = on;
            tell();
        }
    }

    /** See {@link org.jkvm.hypervisor.x86.X86Vcpu#breakAt}. */
    void breakAt(List<Breakpoint> wanted) {
        Breakpoint.dr7(wanted);
        if (!wanted.equals(breakpoints) || passing != 0) {
            breakpoints = List.copyOf(wanted);
            passing = 0;
            tell();
        }
    }

    /** The processor goes on elsewhere. */
    void forget() {
        pass(0);
    }

    /** What the caller is to know of {@code exit}: null where it was our own step. */
    VmExit filter(VmExit exit) {
        if (!(exit instanceof VmExit.Debug debug)) {
            return exit;
        }
        boolean ours = passing != 0 && !stepping && debug.hits() == 0;
        pass(atInstruction(debug.hits()));
        return ours ? null : exit;
    }

    private int atInstruction(int hits) {
        int those = 0;
        for (int n = 0; n < breakpoints.size(); n++) {
            those |= breakpoints.get(n).kind() == Breakpoint.Kind.EXECUTE ? hits & 1 << n : 0;
        }
        return those;
    }

    private void pass(int those) {
        if (passing != those) {
            passing = those;
            tell();
        }
    }

    private void tell() {
        long dr7 = Breakpoint.dr7(breakpoints);
        for (int n = 0; n < breakpoints.size(); n++) {
            register(n, breakpoints.get(n).address());
            dr7 &= (passing >> n & 1) != 0 ? ~(3L << 2 * n) : -1;
        }
        register(7, dr7);
        request.set(JAVA_INT, Abi.GuestDebug.CONTROL, control());
        vcpu.call(Request.KVM_SET_GUEST_DEBUG, request);
    }

    private void register(int number, long value) {
        request.set(JAVA_LONG, Abi.GuestDebug.DEBUGREG + (long) number * Long.BYTES, value);
    }

    private int control() {
        int what = (stepping ? Abi.GuestDebug.SINGLESTEP : 0) | (breakpoints.isEmpty() ? 0 : Abi.GuestDebug.USE_HW_BP)
                | (passing == 0 ? 0 : Abi.GuestDebug.SINGLESTEP | blockInterrupts);
        return what == 0 ? 0 : Abi.GuestDebug.ENABLE | what;
    }
}
