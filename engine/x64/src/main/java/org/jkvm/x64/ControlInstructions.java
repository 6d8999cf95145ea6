package org.jkvm.x64;

/** Jumps, calls and returns. */
public abstract sealed class ControlInstructions extends StateInstructions permits Assembler {
    private static final int CALL = 0xe8;
    private static final int JMP = 0xe9;
    private static final int JMP_SHORT = 0xeb;
    private static final int LOOPNE = 0xe0;
    private static final int LOOPE = 0xe1;
    private static final int LOOP = 0xe2;
    private static final int JRCXZ = 0xe3;

    ControlInstructions(long origin) {
        super(origin);
    }

    /** JMP rel8 or rel32 to a label: rel32 while the label is not bound. */
    public final void jmp(Label target) {
        if (reachesShort(target)) {
            jmpShort(target);
        } else {
            near(JMP, target);
        }
    }

    /** JMP rel8 to a label, which {@link #bind} refuses when it is too far. */
    public final void jmpShort(Label target) {
        shortJump(JMP_SHORT, target);
    }

    /** JMP rel32 to a host address. */
    public final void jmp(long target) {
        near(JMP, target);
    }

    /** JMP r/m64: opcode FFh /4. */
    public final void jmp(Rm target) {
        modRm(NO_PREFIX, 0, 0xff, 4, target, 0);
    }

    /**
     * JMP rel32 to a host address, its displacement at a multiple of 4 for {@link CodeCache#patchJump}.
     *
     * @return host address of the displacement
     */
    public final long jmpPatchable(long target) {
        align(4, 1);
        near(JMP, target);
        return address() - 4;
    }

    /** Jcc rel8 or rel32 to a label: rel32 while the label is not bound. */
    public final void j(Cond condition, Label target) {
        if (reachesShort(target)) {
            jShort(condition, target);
        } else {
            near(0x0f80 + condition.ordinal(), target);
        }
    }

    /** Jcc rel8 to a label, which {@link #bind} refuses when it is too far. */
    public final void jShort(Cond condition, Label target) {
        shortJump(0x70 + condition.ordinal(), target);
    }

    /** Jcc rel32 to a host address. */
    public final void j(Cond condition, long target) {
        near(0x0f80 + condition.ordinal(), target);
    }

    /**
     * Jcc rel32 to a host address, its displacement at a multiple of 4 for {@link CodeCache#patchJump}.
     *
     * @return host address of the displacement
     */
    public final long jPatchable(Cond condition, long target) {
        align(4, 2);
        j(condition, target);
        return address() - 4;
    }

    /** LOOP rel8 to a label. */
    public final void loop(Label target) {
        shortJump(LOOP, target);
    }

    /** LOOPE rel8 to a label. */
    public final void loope(Label target) {
        shortJump(LOOPE, target);
    }

    /** LOOPNE rel8 to a label. */
    public final void loopne(Label target) {
        shortJump(LOOPNE, target);
    }

    /** JRCXZ rel8 to a label. */
    public final void jrcxz(Label target) {
        shortJump(JRCXZ, target);
    }

    /** CALL rel32 to a label. */
    public final void call(Label target) {
        near(CALL, target);
    }

    /** CALL rel32 to a host address. */
    public final void call(long target) {
        near(CALL, target);
    }

    /** CALL r/m64: opcode FFh /2. */
    public final void call(Rm target) {
        modRm(NO_PREFIX, 0, 0xff, 2, target, 0);
    }

    /** JMP m16:32: a far jump through memory, opcode FFh /5. */
    public final void jmpFar(Memory target) {
        modRm(NO_PREFIX, 0, 0xff, 5, target, 0);
    }

    /** RET. */
    public final void ret() {
        prefixes(NO_PREFIX, 0, 0xc3);
    }

    /** RET imm16: returns and pops {@code bytes} more. */
    public final void ret(int bytes) {
        prefixes(NO_PREFIX, 0, 0xc2);
        immediate(bytes, 2);
    }

    private boolean reachesShort(Label target) {
        return target.isBound() && target.position() - (length() + 2) >= Byte.MIN_VALUE;
    }

    private void shortJump(int opcode, Label target) {
        prefixes(NO_PREFIX, 0, opcode);
        displacement(target, 1, 0);
    }

    private void near(int opcode, Label target) {
        prefixes(NO_PREFIX, 0, opcode);
        displacement(target, 4, 0);
    }

    private void near(int opcode, long target) {
        prefixes(NO_PREFIX, 0, opcode);
        displacement32(target, 0);
    }
}
