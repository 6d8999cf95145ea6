package org.jkvm.x86.exec;

import java.util.function.Predicate;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CodeSegment;

/** A run of decoded instructions from consecutive addresses: at most one branch, at its end. */
public final class Block {
    /** Linear address of the first instruction. */
    public final long linear;
    /** Guest physical address of the first instruction. */
    public final long physical;
    /** Guest physical page of the last byte; only where it is not {@link #isWithinPage that of the first}. */
    public final long secondPage;
    /** What else the decoding depends on: {@link BlockCache#mode}. */
    public final long mode;
    /** Where offsets of code are counted from. */
    public final CodeSegment segment;
    /** The instructions. */
    public final Insn[] insns;
    /** Bytes. */
    public final int length;
    /** The translation epoch in which linear to physical was last found right. */
    long epoch;
    /** False once its bytes may have changed. */
    boolean valid = true;
    /** How often it was interpreted. */
    int heat;
    /** Whether its translation was entered since the cache last looked for what may go. */
    boolean used;
    /** What {@link NativeBlocks} made of it, or null; theirs alone. */
    public Object translation;
    /**
     * Whose memory accesses are checked by themselves, a bit each, since checks of several at once failed; and which of these not
     * before they are made, in the upper half; likewise.
     */
    public long apart;
    /** What was seen before at the same physical address in the same mode, at another linear address: {@link BlockMap}'s. */
    Block twin;
    /** What it weighs there. */
    int weight;
    /** The blocks that followed it last: chaining. */
    Block next;
    Block other;

    Block(long linear, long physical, long secondPage, Context context, Insn[] insns, int length) {
        this.linear = linear;
        this.physical = physical;
        this.secondPage = secondPage;
        this.mode = context.mode();
        this.segment = context.segment();
        this.insns = insns;
        this.length = length;
    }

    /**
     * What code is decoded for.
     *
     * @param mode    {@link CodeMode}
     * @param segment the code segment
     */
    record Context(long mode, CodeSegment segment) {
        static Context of(X86Cpu cpu) {
            return new Context(CodeMode.of(cpu), cpu.segments.code());
        }
    }

    /** The same instructions at {@code otherLinear}, cold: most of what programs share each executes a few times only. */
    Block at(long otherLinear) {
        return new Block(otherLinear, physical, secondPage, new Context(mode, segment), insns, length);
    }

    /** The same, which no cache knows. */
    public Block detached() {
        Block b = at(linear);
        b.apart = apart;
        return b;
    }

    /** Whether it has the same instructions, to be translated in the same way but for where they are. */
    public boolean isLike(Block other) {
        if (mode != other.mode || segment.base() != other.segment.base()
                || segment.limit() != other.segment.limit() || apart != other.apart
                || isWithinPage() != other.isWithinPage() || insns.length != other.insns.length) {
            return false;
        }
        for (int n = 0; n < insns.length; n++) {
            if (!insns[n].isLike(other.insns[n])) {
                return false;
            }
        }
        return true;
    }

    /** The block with the same instructions at another linear address that {@code is} what is looked for, or null. */
    public Block twin(Predicate<Block> is) {
        Block b = twin;
        while (b != null && (b.insns != insns || !is.test(b))) {
            b = b.twin;
        }
        return b;
    }

    /** The block at {@code target} if it followed this one before and still stands. */
    Block follower(long target, long targetMode, long nowEpoch) {
        Block b = next;
        if (b != null && b.linear == target && b.epoch == nowEpoch && b.mode == targetMode && b.valid) {
            return b;
        }
        b = other;
        return b != null && b.linear == target && b.epoch == nowEpoch && b.mode == targetMode && b.valid ? b : null;
    }

    /** Whether its bytes are still those that were decoded. */
    public boolean isValid() {
        return valid;
    }

    /** Where it is, in which mode, in one number: {@link BlockMap#place}. */
    public long place() {
        return BlockMap.place(physical, mode);
    }

    /** RIP of its first instruction. */
    public long rip() {
        return linear - segment.base() & (segment.limit() < 0 ? -1L : 0xffff_ffffL);
    }

    /** Whether it lies in one page. */
    public boolean isWithinPage() {
        return secondPage == BlockCache.NO_PAGE;
    }

    /** Linear address of the page of the last byte. */
    public long secondLinear() {
        return new CodeMode(mode).wrap(linear + length - 1 & -4096L);
    }

    /** Lets it cool down: it is translated again when it is executed often again. */
    public void cool() {
        heat = 0;
    }

    /** Forgets what followed it: what is dropped keeps nothing else. */
    void unlink() {
        next = null;
        other = null;
    }

    /** Remembers {@code follower} for next time. */
    void link(Block follower) {
        if (next != follower) {
            other = next;
            next = follower;
        }
    }
}
