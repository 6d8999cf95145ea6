package org.jkvm.x86.translate;

import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.getShort;
import static org.jkvm.linux.RawMemory.putLong;
import static org.jkvm.linux.RawMemory.putShort;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jkvm.x64.CodeCache;
import org.jkvm.x64.CodeRegion;
import org.jkvm.x64.HostCpuid;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.cpuid.CpuidTable;
import org.jkvm.x86.exec.Block;
import org.jkvm.x86.exec.CodeMode;
import org.jkvm.x86.exec.Interpreter;
import org.jkvm.x86.exec.NativeBlocks;
import org.jkvm.x86.isa.Feature;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.trap.Transfers;

/**
 * One vCPU's generated code: makes translations, links them, enters them, and does what they leave to be done. All on the
 * vCPU's thread, so that no generated code of this vCPU runs while any of it is changed.
 */
public final class NativeCode implements NativeBlocks, AutoCloseable {
    /** Bytes of a vCPU's native memory: stack, struct, TLBs, jump cache. The struct starts at {@link CpuState#STACK}. */
    public static final int MEMORY_SIZE = CpuState.STACK + CpuState.SIZE + Mmu.TLB_SIZE + JumpCache.SIZE;
    /** Beginning of the loggers' names: {@code in_asm}, {@code out_asm} and {@code exec} follow. */
    public static final String LOG = "org.jkvm.x86.translate.";
    private static final int PERMANENT = 0x4000;
    private static final int REGIONS = 8;
    private static final int PAGE = 0x1000;
    /** So often somebody may have begun to record events; finding that out costs an object. */
    private static final int EXITS_BETWEEN_LOOKS = 1024;
    /** So many failures of checks within {@link #FAILURES_NANOS} are too many. */
    private static final int FAILURES = 8;
    private static final long FAILURES_NANOS = 2_000_000;
    /** More than any instruction takes, with all that is out of line, and a second time in a loop. */
    private static final int MOST_BYTES_AN_INSN = 1024;

    private final X86Cpu cpu;
    private final long st;
    private final Interpreter interpreter;
    private final CodeCache cache;
    private final Stubs stubs;
    private final JumpCache jumps;
    private final long features;
    private final Translations translations = new Translations();
    private final Counters counters = new Counters();
    private final SharedTranslations shared;
    private final CodeText text;
    private final CodeLog log;
    private Edge pending;
    private boolean recorded = Recorder.exit() != null;
    private int entered;
    private LockStep lockStep;

    /**
     * Up to {@code cacheBytes} of generated code for {@code cpu}, whose struct lies in {@link #MEMORY_SIZE} bytes. What it and
     * the others that share {@code shared}, all of the same CPU model, translate is translated once.
     */
    public NativeCode(X86Cpu cpu, Interpreter interpreter, long cacheBytes, SharedTranslations shared) {
        this.cpu = cpu;
        this.shared = shared;
        this.st = cpu.st;
        this.interpreter = interpreter;
        CodeCache.Layout layout = new CodeCache.Layout(PERMANENT, cacheBytes / REGIONS & -PAGE, REGIONS);
        this.cache = new CodeCache(layout, CodeCache.Protection.ofHost(), this::evict);
        CpuidTable host = new CpuidTable(HostCpuid.rows(), 0);
        this.features = cpu.cpuid.features() & host.features();
        this.stubs = new Stubs(cache, host.has(Feature.AVX), host.has(Feature.XSAVE));
        this.jumps = new JumpCache(st, stubs.indirectMiss);
        this.text = new CodeText(cpu, cache);
        this.log = new CodeLog(text);
    }

    /** Has the interpreter foretell what generated code does from now on, and compares. */
    public void check() {
        lockStep = new LockStep(cpu, text);
    }

    /** What happened so far, for {@code info jit}. From any thread. */
    public String describe() {
        CodeCache.Statistics code = cache.statistics();
        return counters.report() + "code cache %d of %d bytes, %d regions evicted\n"
                .formatted(code.used(), code.capacity(), code.evictions()) + (lockStep == null ? "" : lockStep.describe());
    }

    private boolean offered(Feature feature) {
        return feature == Feature.BASE || (features & feature.bit()) != 0;
    }

    // ---- translating ----

    @Override
    public void translate(Block block) {
        TranslationEvent event = Recorder.translation();
        long begin = System.nanoTime();
        long origin = cache.reserve(MOST_BYTES_AN_INSN * (block.insns.length + 1));
        Translation.PageIds ids = hold(block); // Making room may have given numbers back: not before.
        SharedTranslations.Shared known = known(block);
        Translation t = known != null ? copy(known, block, origin, ids) : make(block, origin, ids);
        counters.translated(t, known != null, System.nanoTime() - begin);
        if (event != null) {
            event.tell(t);
        }
        log.translated(t);
    }

    private Translation.PageIds hold(Block block) {
        int first = cpu.mmu.holdCodePage(block.linear, block.physical);
        return new Translation.PageIds(first,
                block.isWithinPage() ? 0 : cpu.mmu.holdCodePage(block.secondLinear(), block.secondPage));
    }

    /** What jumps to the block from elsewhere looks for the numbers of its pages. */
    private void identify(Translation t) {
        Block block = t.block;
        cpu.mmu.identifyCodePage(block.linear, block.physical, t.pageIds.first());
        if (!block.isWithinPage()) {
            cpu.mmu.identifyCodePage(block.secondLinear(), block.secondPage, t.pageIds.second());
        }
    }

    /** What is known already of the same instructions: for another linear address, or on another vCPU; or null. */
    private SharedTranslations.Shared known(Block block) {
        Block twin = block.twin(b -> b.translation != null && b.apart == block.apart
                && ((Translation) b.translation).relocations.movable());
        if (twin == null) {
            return shared.find(block);
        }
        Translation t = (Translation) twin.translation;
        return new SharedTranslations.Shared(t, cache.read(t.start, t.size), stubs.exit);
    }

    private Translation make(Block block, long origin, Translation.PageIds ids) {
        BlockTranslator translator = new BlockTranslator(block, origin, ids, stubs, this::offered, !runsSingly());
        Translation t = translator.translate(translations.nextId());
        byte[] code = translator.code();
        place(t, code);
        shared.offer(t, code, stubs.exit);
        return t;
    }

    /** Makes a translation of {@code block} from what is {@code known}. */
    private Translation copy(SharedTranslations.Shared known, Block block, long origin, Translation.PageIds ids) {
        Translation from = known.translation();
        Relocations.Move move = new Relocations.Move(origin - from.start, stubs.exit - known.stubs(),
                block.linear - from.block.linear, block.linear, translations.nextId(), guards(block, ids));
        byte[] code = known.code();
        from.relocations.apply(code, move);
        Translation t = from.moved(block, ids, move);
        place(t, code);
        return t;
    }

    private static List<Relocations.Guard> guards(Block block, Translation.PageIds ids) {
        int tlb = new CodeMode(block.mode).tlb();
        Relocations.Guard first = new Relocations.Guard(Mmu.pageIdOffset(tlb, block.linear), ids.first());
        return block.isWithinPage() ? List.of(first)
                : List.of(first, new Relocations.Guard(Mmu.pageIdOffset(tlb, block.secondLinear()), ids.second()));
    }

    private void place(Translation t, byte[] code) {
        t.block.translation = t;
        t.region = cache.region();
        t.size = code.length;
        t.start = cache.place(code);
        translations.add(t);
        for (Edge edge : t.edges) {
            cache.patchJump(edge.patch, edge.unlinked);
        }
    }

    // ---- linking ----

    /** Links the edge by which generated code was left last, if it was to {@code t}; and indirect branches to it. */
    private void connect(Translation t) {
        if (runsSingly()) {
            return;
        }
        Edge edge = pending;
        pending = null;
        if (edge != null && edge.target == t.block.rip() && edge.owner.block.translation == edge.owner
                && edge.mode == t.block.mode && edge.linked == null && reaches(edge, t)) {
            edge.linked = t;
            t.incoming.add(edge);
            cache.patchJump(edge.patch, t.entryFor(edge));
        }
        jumps.select(t.block.mode);
        jumps.put(t.block, t.guarded);
    }

    /** An edge within a page leads to the same page of memory: address spaces may have been switched since it was left. */
    private static boolean reaches(Edge edge, Translation t) {
        return !edge.samePage || (edge.owner.block.physical ^ t.block.physical) >>> 12 == 0;
    }

    /** Whether blocks are run one by one. */
    private boolean runsSingly() {
        return lockStep != null || log.logsRuns();
    }

    private void unlink(Edge edge) {
        edge.linked = null;
        cache.patchJump(edge.patch, edge.unlinked);
    }

    @Override
    public void drop(Block block) {
        Translation t = (Translation) block.translation;
        block.translation = null;
        t.incoming.forEach(this::unlink);
        t.incoming.clear();
        for (Edge edge : t.edges) {
            if (edge.linked != null) {
                edge.linked.incoming.remove(edge);
                edge.linked = null;
            }
        }
        jumps.remove(block);
        forget(t);
        counters.dropped++;
    }

    private void forget(Translation t) {
        translations.remove(t);
        cpu.mmu.releaseCodePage(t.block.linear, t.block.physical);
        if (!t.block.isWithinPage()) {
            cpu.mmu.releaseCodePage(t.block.secondLinear(), t.block.secondPage);
        }
    }

    private void evict(CodeRegion region) {
        translations.forEach(t -> {
            if (t.region == region) {
                t.block.cool();
                drop(t.block);
            }
        });
    }

    @Override
    public void clear() {
        translations.forEach(t -> {
            t.block.translation = null;
            forget(t);
        });
        pending = null;
        jumps.clear();
        cache.clear();
    }

    // ---- running ----

    @Override
    public void run(Block block) {
        Translation t = (Translation) block.translation;
        identify(t);
        connect(t);
        log.runs(block);
        long at = t.entered;
        int next = 0;
        boolean withFlags = false;
        boolean withX87 = false;
        Stubs.Vectors vectors = Stubs.Vectors.NONE;
        while (at != 0) {
            int reason = enter(t, next, at, stubs.entry(withFlags, withX87, vectors));
            int number = ExitReason.number(reason);
            if (ExitReason.of(reason) == ExitReason.SPAN) {
                interpretRest(left(), number);
                return;
            }
            if (ExitReason.of(reason) != ExitReason.STEP) {
                leave(reason);
                return;
            }
            t = left();
            at = step(t, number) ? t.resume[number] : 0;
            next = number + 1;
            withFlags = t.resumeWithFlags[number];
            withX87 = t.x87;
            vectors = t.vectors;
        }
    }

    /** Runs generated code: that of {@code t} from instruction {@code next} on, which is at {@code at}; returns why it left. */
    private int enter(Translation t, int next, long at, MemorySegment entry) {
        if (lockStep != null) {
            return checked(t, next, at, entry);
        }
        return enter(at, entry);
    }

    private int enter(long at, MemorySegment entry) {
        saveFlags();
        putLong(st + CpuState.ENTRY, at);
        ExitEvent event = recorded || (++entered & EXITS_BETWEEN_LOOKS - 1) == 0 ? Recorder.exit() : null;
        recorded = event != null;
        CodeCache.enter(entry, st);
        Transfers.settle(cpu);
        loadFlags();
        int reason = getInt(st + CpuState.EXIT_REASON);
        if (recorded) {
            event.tell(reason, ExitReason.of(reason).isIndirect() ? null : left());
        }
        counters.exits[reason & 0xff]++;
        return reason;
    }

    private int checked(Translation t, int next, long at, MemorySegment entry) {
        int reason;
        int reached;
        do {
            lockStep.foretell(t, next);
            reason = enter(at, entry);
            reached = switch (ExitReason.of(reason)) {
                case STEP -> ExitReason.number(reason);
                case SPAN -> left().checks.get(ExitReason.number(reason)).first();
                default -> {
                    leave(reason);
                    yield t.block.insns.length;
                }
            };
        } while (!lockStep.agrees(reached));
        return reason;
    }

    /** What was left by a step or an edge; an indirect branch does not say. */
    private Translation left() {
        return translations.get(getInt(st + CpuState.EXIT_BLOCK));
    }

    /** Puts RIP where generated code left for. */
    private void leave(int reason) {
        int number = ExitReason.number(reason);
        switch (ExitReason.of(reason)) {
            case STEP, SPAN -> throw new IllegalStateException("left for the interpreter");
            case EDGE -> {
                pending = left().edges.get(number);
                cpu.rip = pending.target;
            }
            case REQUEST_AT_EDGE -> cpu.rip = left().edges.get(number).target;
            case INDIRECT, REQUEST_AT_INDIRECT -> cpu.rip = getLong(st + CpuState.EXIT_TARGET);
        }
    }

    /** Has the interpreter execute instruction {@code n}; whether its block goes on behind it. */
    private boolean step(Translation t, int n) {
        Block block = t.block;
        counters.stepped(block.insns[n]);
        interpreter.executeOne(block, n);
        if (n == block.insns.length - 1 && block.insns[n].row != null && block.insns[n].row.isBlockEnd()
                || cpu.leaveBlock || block.translation != t || CodeMode.of(cpu) != block.mode) {
            return false;
        }
        return true;
    }

    /** Has the interpreter execute what begins with check {@code number}, which failed, up to the end of the block. */
    private void interpretRest(Translation t, int number) {
        Spans.Check check = t.checks.get(number);
        long linear = getLong(st + CpuState.EXIT_TARGET);
        int n = check.first();
        while (n < t.block.insns.length && step(t, n)) {
            n++;
        }
        if (check.isOne() && n >= t.block.insns.length - 1 && t.block.translation == t && CodeMode.of(cpu) == t.block.mode
                && !cpu.mmu.has(linear, check.size(), check.tag())) {
            failed(t, check);
        }
    }

    /** {@code check} will fail again, as it is across pages or on a page with code: often enough, and it is not worth it. */
    private void failed(Translation t, Spans.Check check) {
        t.failures++;
        if (t.failures % FAILURES != 0) {
            return;
        }
        long now = System.nanoTime();
        if (now - t.failed < FAILURES_NANOS) {
            t.block.apart |= check.members() | (t.block.apart & check.members()) << Integer.SIZE;
            t.block.cool();
            drop(t.block);
        }
        t.failed = now;
    }

    private void saveFlags() {
        putShort(st + CpuState.FLAGS, FlagKeeper.fromRflags(cpu.arithmeticFlags()));
    }

    private void loadFlags() {
        cpu.setArithmeticFlags(FlagKeeper.toRflags(getShort(st + CpuState.FLAGS)));
    }

    @Override
    public void close() {
        clear();
        cache.close();
        if (lockStep != null) {
            lockStep.close();
        }
    }
}
