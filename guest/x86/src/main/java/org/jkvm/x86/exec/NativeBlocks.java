package org.jkvm.x86.exec;

/**
 * Executes blocks as host code. Called on the vCPU's thread by the {@link Interpreter}, which goes on by itself with what it is
 * not given here.
 */
public interface NativeBlocks {
    /** Translates {@code block}, which stands at the processor's RIP, if that is possible. Raises what fetching it raises. */
    void translate(Block block);

    /**
     * Runs from {@code block}, which has a translation and stands at the processor's RIP, until the interpreter has to find what
     * comes next: RIP says where. Faults and exits of the instructions that it has the interpreter execute are thrown on, with
     * RIP at the instruction.
     */
    void run(Block block);

    /** Forgets what was translated of {@code block}, whose bytes are not its own any more. */
    void drop(Block block);

    /** Forgets everything. */
    void clear();
}
