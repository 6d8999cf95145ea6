package org.jkvm.x86.translate;

/** A direct branch out of a translation: a jump that is patched when the target is, or ceases to be, translated. */
final class Edge {
    /** RIP where it goes. */
    final long target;
    /** The mode of the code there. */
    final long mode;
    /** Whether that is in the page of the branch, in its mode: otherwise the jump goes to code that checks where the page is. */
    final boolean samePage;
    /** Whether the flags are in the host's when the jump is made. */
    final boolean hostFlags;
    /** Host address of the jump's displacement. */
    long patch;
    /** Where it jumps while there is no target: to an exit. */
    long unlinked;
    /** Whose edge it is. */
    Translation owner;
    /** Where it leads now, or null. */
    Translation linked;

    Edge(long target, long mode, boolean samePage, boolean hostFlags) {
        this.target = target;
        this.mode = mode;
        this.samePage = samePage;
        this.hostFlags = hostFlags;
    }

    /** The same edge of the code when that is moved. */
    Edge moved(Relocations.Move move) {
        Edge edge = new Edge(target + move.linear(), mode, samePage, hostFlags);
        edge.patch = patch + move.host();
        edge.unlinked = unlinked + move.host();
        return edge;
    }
}
