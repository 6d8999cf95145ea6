package org.jkvm.x86.translate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jkvm.x64.CodeRegion;
import org.jkvm.x86.exec.Block;
import org.jkvm.x86.isa.Feature;

/** One block's code: where it is entered, where it goes on after the interpreter helped, and what jumps into it. */
final class Translation {
    /** What it translates. */
    final Block block;
    /** Its number, {@link org.jkvm.x86.state.CpuState#EXIT_BLOCK} on exits. */
    final int id;
    /** Branches out of it. */
    final List<Edge> edges;
    /** Host address where it goes on after instruction n was interpreted, or 0. */
    final long[] resume;
    /** Whether the flags are in the host's there. */
    final boolean[] resumeWithFlags;
    /** Which of the host's vector registers it uses. */
    final Stubs.Vectors vectors;
    /** Whether it uses the host's x87 registers. */
    final boolean x87;
    /** Which instructions lock-step mode may execute ahead; null until it asks. */
    boolean[] ahead;
    /** Where other pages jump to: checks that the page is where it was. Flags in memory. */
    final long guarded;
    /** Where its own page jumps to with flags in memory. */
    final long withMemoryFlags;
    /** Where Java enters it, which knows where its pages are. Flags in memory. */
    final long entered;
    /** Where its own page jumps to with flags in the host's. */
    final long withHostFlags;
    /** Checks of several accesses at once. */
    final List<Spans.Check> checks;
    /** How often one of them failed that will fail again, and when the count last was a multiple of some. */
    int failures;
    /** {@link System#nanoTime}. */
    long failed;
    /** What changes where the code is copied to. */
    final Relocations relocations;
    /** Edges that lead here. */
    final List<Edge> incoming = new ArrayList<>(4);
    /** Where it lies in the code cache; set when it is placed. */
    CodeRegion region;
    /** The numbers of its pages. */
    final PageIds pageIds;
    /** Host address of its first byte. */
    long start;
    /** Bytes of code. */
    int size;

    Translation(Block block, int id, PageIds pageIds, List<Edge> edges, Layout layout, Relocations relocations) {
        this.block = block;
        this.id = id;
        this.pageIds = pageIds;
        this.edges = edges;
        this.resume = layout.resume();
        this.resumeWithFlags = layout.resumeWithFlags();
        this.vectors = layout.vectors();
        this.x87 = layout.x87();
        this.checks = layout.checks();
        this.guarded = layout.guarded();
        this.withMemoryFlags = layout.withMemoryFlags();
        this.entered = layout.entered();
        this.withHostFlags = layout.withHostFlags();
        this.relocations = relocations;
        edges.forEach(edge -> edge.owner = this);
    }

    /** Whether it may change more than general registers and flags. */
    boolean isWide() {
        return Arrays.stream(block.insns).anyMatch(i -> i.row != null && (i.row.feature() != Feature.BASE
                || i.row.mnemonic().equals("SWAPGS") || Recipe.of(i) == Recipe.SYSTEM || SegmentCode.loads(i)));
    }

    /**
     * The numbers of a block's pages, {@link org.jkvm.x86.mmu.Mmu#holdCodePage}.
     *
     * @param first  that of the page where it begins
     * @param second that of the page where it ends, where that is another
     */
    record PageIds(int first, int second) {
    }

    /** The addresses in a translation's code. */
    record Layout(long guarded, long withMemoryFlags, long entered, long withHostFlags, long[] resume, boolean[] resumeWithFlags,
            Stubs.Vectors vectors, boolean x87, List<Spans.Check> checks) {
    }

    /** The translation that its code is for {@code twin}, the same instructions, when it is moved. */
    Translation moved(Block twin, PageIds ids, Relocations.Move move) {
        List<Edge> theirs = edges.stream().map(edge -> edge.moved(move)).toList();
        Layout layout = new Layout(guarded + move.host(), withMemoryFlags + move.host(),
                entered + move.host(), withHostFlags + move.host(),
                Arrays.stream(resume).map(at -> at == 0 ? 0 : at + move.host()).toArray(), resumeWithFlags, vectors, x87, checks);
        return new Translation(twin, move.id(), ids, theirs, layout, relocations);
    }

    /** Where {@code edge} is to jump. */
    long entryFor(Edge edge) {
        return !edge.samePage ? guarded : edge.hostFlags ? withHostFlags : withMemoryFlags;
    }
}
