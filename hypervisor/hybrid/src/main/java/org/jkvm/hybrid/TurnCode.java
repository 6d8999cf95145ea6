package org.jkvm.hybrid;

import org.jkvm.base.GuestMemory;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86Vcpu;

/**
 * An instruction that the hardware executes for the helper: its bytes, as far as its page goes. What it may do beyond its operand,
 * which is the interrupt chip's or none, decides about what the helper may keep.
 *
 * @param bytes at most 15, none where they can't be read
 * @param bits  16, 32 or 64: the code's size
 */
record TurnCode(byte[] bytes, int bits) {
    private static final int LONGEST = 15;
    private static final int PAGE = 4096;
    private static final int EFER = 0xc000_0080;
    private static final int CS = 1;
    private static final int WRMSR = 0x30;

    /** The code at RIP, as {@code vcpu} sees it. */
    static TurnCode at(X86State state, X86Vcpu vcpu, GuestMemory memory) {
        int bits = bits(state);
        long linear = bits == 64 ? state.rip : state.segments[CS].base() + state.rip & 0xffff_ffffL;
        long at = vcpu.translate(linear);
        int length = (int) Math.min(LONGEST, PAGE - (linear & PAGE - 1));
        byte[] bytes = new byte[at < 0 ? 0 : length];
        try {
            for (int n = 0; n < bytes.length; n++) {
                bytes[n] = (byte) memory.readInt(at + n, 1);
            }
            return new TurnCode(bytes, bits);
        } catch (GuestMemory.BadAddress notRam) {
            return new TurnCode(new byte[0], bits);
        }
    }

    static int bits(X86State state) {
        int access = state.segments[CS].access();
        boolean longMode = (state.msrs.getOrDefault(EFER, 0L) & 1 << 10) != 0 && (access >> 13 & 1) != 0;
        return longMode ? 64 : (access >> 14 & 1) != 0 ? 32 : 16;
    }

    /** Whether it is WRMSR, which may have set the time-stamp counter. */
    boolean writesMsr() {
        int at = opcode();
        return at + 1 < bytes.length && bytes[at] == 0xf && bytes[at + 1] == WRMSR;
    }

    /**
     * Whether it writes no memory but for the chip's: one with at most one memory operand, which is the chip's, as it would not be
     * the hardware's otherwise; no string instruction, and none that uses the stack.
     */
    boolean leavesMemory() {
        int at = opcode();
        if (at >= bytes.length) {
            return false;
        }
        int code = bytes[at] & 0xff;
        return code == 0xf ? at + 1 < bytes.length && leavesMemoryBehindEscape(bytes[at + 1] & 0xff)
                : code < 0x40 && (code & 7) < 4 || switch (code) {
                    case 0x80, 0x81, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0xa0, 0xa1, 0xa2, 0xa3, 0xc6, 0xc7,
                         0xe4, 0xe5, 0xe6, 0xe7, 0xec, 0xed, 0xee, 0xef, 0xf4, 0xf6, 0xf7 -> true;
                    default -> false;
                };
    }

    /** MOV to and from control registers, WRMSR, RDTSC, RDMSR, bit tests, MOVZX and MOVSX. */
    private static boolean leavesMemoryBehindEscape(int code) {
        return switch (code) {
            case 0x20, 0x22, WRMSR, 0x31, 0x32, 0xa3, 0xb6, 0xb7, 0xba, 0xbe, 0xbf -> true;
            default -> false;
        };
    }

    /** Where the opcode begins (SDM vol. 2A, section 2.1.1; a REX prefix comes last). */
    private int opcode() {
        int at = 0;
        while (at < bytes.length && isPrefix(bytes[at] & 0xff)) {
            at++;
        }
        return at;
    }

    private boolean isPrefix(int code) {
        return switch (code) {
            case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3 -> true;
            default -> bits == 64 && code >> 4 == 4;
        };
    }
}
