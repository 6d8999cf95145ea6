package org.jkvm.x86.exec;

import org.jkvm.x86.isa.Insn;

/** A run of decoded instructions from consecutive addresses: at most one branch, at its end. */
final class Block {
    /** Linear address of the first instruction. */
    final long linear;
    /** Guest physical address of the first instruction. */
    final long physical;
    /** Guest physical page of the last byte, where another than the first. */
    final long secondPage;
    /** What else the decoding depends on: {@link BlockCache#mode}. */
    final int mode;
    /** The instructions. */
    final Insn[] insns;
    /** Bytes. */
    final int length;
    /** The translation epoch in which linear to physical was last found right. */
    long epoch;
    /** False once its bytes may have changed. */
    boolean valid = true;
    /** The blocks that followed it last: chaining. */
    Block next;
    Block other;

    Block(long linear, long physical, long secondPage, int mode, Insn[] insns, int length) {
        this.linear = linear;
        this.physical = physical;
        this.secondPage = secondPage;
        this.mode = mode;
        this.insns = insns;
        this.length = length;
    }

    /** The block at {@code target} if it followed this one before and still stands. */
    Block follower(long target, int targetMode, long nowEpoch) {
        Block b = next;
        if (b != null && b.linear == target && b.epoch == nowEpoch && b.mode == targetMode && b.valid) {
            return b;
        }
        b = other;
        return b != null && b.linear == target && b.epoch == nowEpoch && b.mode == targetMode && b.valid ? b : null;
    }

    /** Remembers {@code follower} for next time. */
    void link(Block follower) {
        if (next != follower) {
            other = next;
            next = follower;
        }
    }
}
