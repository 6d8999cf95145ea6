package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.BYTE;
import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x86.translate.HostRegisters.field;

import java.util.List;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.IntConsumer;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.BitInstructions.BitTest;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Label;
import org.jkvm.x64.StateInstructions.Plain;
import org.jkvm.x86.exec.Block;
import org.jkvm.x86.exec.CodeMode;
import org.jkvm.x86.isa.Feature;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Segment;

/** Writes the code of one block. */
final class BlockTranslator {
    /** What uses memory, or the host's flags for itself, without saying so by its operands. */
    private static final Set<String> CLOBBERING = Set.of("PUSH", "POP", "CALL", "RET", "LEAVE", "DIV", "IDIV", "CLD", "STD",
            "LOOP", "LOOPE", "LOOPNE", "JCXZ", "CLI", "STI", "PUSHF", "POPF", "PUSHA", "POPA", "MOVS", "STOS", "LODS", "SCAS",
            "CMPS", "XLAT");

    private final Stubs stubs;
    private final Offered offered;
    private final Translation.PageIds pageIds;
    private final Block block;
    private final CodeMode mode;
    private final Recipe[] recipes;
    private final BlockCode code;
    private final Assembler a;
    private final IntegerCode integer;
    private final StackCode stack;
    private final SegmentCode segments;
    private final BranchCode branch;
    private final SystemCode system;
    private final TransferCode transfers;
    private final FarCode far;
    private final StringCode strings;
    private final X87Code x87Code;
    private final boolean vectors;
    private final boolean x87;
    private final long[] resume;
    private final boolean[] resumeWithFlags;
    private final boolean loops;
    private final Label again = new Label();
    private long guarded;
    private long withMemoryFlags;
    private long entered;
    private long withHostFlags;

    /** Which rows may be passed through. */
    @FunctionalInterface
    interface Offered {
        /** Whether guest and host both have {@code feature}. */
        boolean has(Feature feature);
    }

    /**
     * Begins.
     *
     * @param block   what to translate
     * @param origin  host address where the code will be
     * @param pageIds the numbers of the block's pages
     * @param loops   whether a block may make several turns
     */
    BlockTranslator(Block block, long origin, Translation.PageIds pageIds, Stubs stubs, Offered offered, boolean loops) {
        this.block = block;
        this.loops = loops;
        this.stubs = stubs;
        this.offered = offered;
        this.pageIds = pageIds;
        this.a = new Assembler(origin);
        this.mode = new CodeMode(block.mode);
        this.recipes = recipes();
        this.code = new BlockCode(block, a, stubs, recipes);
        this.integer = new IntegerCode(code);
        this.stack = new StackCode(code);
        this.segments = new SegmentCode(code, stack);
        this.branch = new BranchCode(code, stack, stubs);
        this.system = new SystemCode(code, stack);
        this.transfers = new TransferCode(code, branch, system);
        this.far = new FarCode(code, stack, branch, system, stubs);
        this.strings = new StringCode(code);
        this.x87Code = new X87Code(code);
        this.vectors = uses((i, recipe) -> recipe.usesVectors(i));
        this.x87 = uses((i, recipe) -> recipe.isX87());
        this.resume = new long[block.insns.length];
        this.resumeWithFlags = new boolean[block.insns.length];
    }

    /** Writes it all; {@link #code()} is the result. */
    Translation translate(int id) {
        writeEntries();
        List<Spans.Span> spans = loops ? LoopCode.spans(block, recipes) : List.of();
        LoopCode loop = spans.isEmpty() ? null : new LoopCode(code, again, spans);
        branch.loopsBy(loop);
        writeInsns(n -> {
            resume[n] = a.address();
            resumeWithFlags[n] = code.flags.inHost();
        });
        if (loop != null) {
            loop.write(() -> writeInsns(n -> { }));
        }
        code.finish(id);
        return new Translation(block, id, pageIds, branch.edges(), new Translation.Layout(guarded, withMemoryFlags, entered,
                withHostFlags, resume, resumeWithFlags, loaded(), x87, code.memory.spans().checks()), code.relocations());
    }

    private void writeInsns(IntConsumer written) {
        for (int n = 0; n < block.insns.length; n++) {
            code.begin(n);
            if (n == block.insns.length - 1) {
                code.endX87();
            }
            write(block.insns[n], recipes[n]);
            code.end();
            code.memory.spans().passed(n);
            if (!Effects.definesFlags(block.insns[n])) {
                code.flags.wrote(Writes.of(block.insns[n], recipes[n]));
            }
            written.accept(n);
        }
        Insn last = block.insns[block.insns.length - 1];
        if (last.row != null && !last.row.isBlockEnd()) {
            code.endX87();
            branch.fallThrough(last);
        }
    }

    private Stubs.Vectors loaded() {
        return !vectors ? Stubs.Vectors.NONE : code.mode.avx() ? Stubs.Vectors.YMM : Stubs.Vectors.XMM;
    }

    /** The code. */
    byte[] code() {
        return a.toByteArray();
    }

    // ---- entries ----

    private boolean uses(BiPredicate<Insn, Recipe> what) {
        for (int n = 0; n < recipes.length; n++) {
            if (what.test(block.insns[n], recipes[n])) {
                return true;
            }
        }
        return false;
    }

    /** What the first instruction that cares wants of the flags. */
    private enum Wish { IN_MEMORY, IN_HOST, NOTHING }

    private Wish wish() {
        if (!block.isWithinPage()) {
            return Wish.IN_MEMORY;
        }
        for (int n = 0; n < recipes.length; n++) {
            Insn i = block.insns[n];
            if (vectors || x87 || recipes[n] == Recipe.LEAVE || recipes[n] == Recipe.SYSTEM || clobbers(i)) {
                return Wish.IN_MEMORY;
            }
            if (Effects.needsFlags(i)) {
                return Wish.IN_HOST;
            }
            if (Effects.definesFlags(i)) {
                return Wish.NOTHING;
            }
        }
        return Wish.IN_MEMORY;
    }

    /** Whether {@code i} clobbers the host's flags other than by setting the guest's. */
    static boolean clobbers(Insn i) {
        return CLOBBERING.contains(i.row.mnemonic()) || Access.happens(i) || SegmentCode.loads(i);
    }

    private void writeEntries() {
        Wish wish = wish();
        Label body = new Label();
        if (wish == Wish.IN_MEMORY) {
            withHostFlags = a.address();
            code.flags.assume(FlagKeeper.Place.HOST);
            code.flags.clobber();
            a.jmpShort(body);
        }
        guarded = a.address();
        Label elsewhere = leaveForElsewhere();
        writeGuard(block.linear, pageIds.first(), elsewhere);
        a.bind(again);
        withMemoryFlags = a.address();
        code.flags.assume(FlagKeeper.Place.MEMORY);
        if (wish == Wish.IN_HOST) {
            code.flags.need();
        }
        a.bind(body);
        entered = withMemoryFlags;
        if (!block.isWithinPage()) {
            writeGuard(block.secondLinear(), pageIds.second(), elsewhere);
            entered = a.address();
        }
        if (wish != Wish.IN_MEMORY) {
            withHostFlags = a.address();
            code.flags.assume(FlagKeeper.Place.HOST);
        }
        if (vectors) {
            writeLoad(CpuState.VECTORS_LIVE, stubs.load(loaded()));
        }
        if (x87) {
            writeLoad(CpuState.X87_LIVE, stubs.loadX87);
        }
    }

    /** Goes on only while the page of {@code linear} is where it was when the block was translated. */
    private void writeGuard(long linear, int pageId, Label elsewhere) {
        a.cmp(DWORD, field(Mmu.pageIdOffset(code.mode.tlb(), linear)), pageId);
        code.relocations().guard(a.length());
        a.j(Cond.NE, elsewhere);
    }

    /** Where to leave for whatever is at the block's address now. */
    private Label leaveForElsewhere() {
        Label elsewhere = new Label();
        code.outOfLine(() -> {
            a.bind(elsewhere);
            code.leaveForBeginning(ExitReason.INDIRECT);
        });
        return elsewhere;
    }

    /** Has the host hold registers that it does not hold yet. */
    private void writeLoad(int live, long stub) {
        Label loaded = new Label();
        a.cmp(BYTE, field(live), 0);
        a.j(Cond.NE, loaded);
        a.call(stub);
        a.bind(loaded);
    }

    // ---- instructions ----

    private Recipe[] recipes() {
        Recipe[] all = new Recipe[block.insns.length];
        for (int n = 0; n < all.length; n++) {
            all[n] = recipe(block.insns[n]);
        }
        return all;
    }

    private Recipe recipe(Insn i) {
        Recipe recipe = Recipe.of(i);
        if (recipe == Recipe.LEAVE || recipe != Recipe.SYSTEM && !offered.has(i.row.feature())
                || !PassThrough.possible(i) || !SegmentCode.possible(i, mode)
                || i.row.isVex() && mode.paragraphs() // #UD (SDM vol. 2A, section 2.4, exceptions of VEX instructions).
                || recipe.usesVectors(i) && !(i.row.isVex() ? mode.avx() : mode.vectors())
                || recipe.isX87() && !(mode.x87() && stubs.loadX87 != 0)) {
            return Recipe.LEAVE;
        }
        return recipe;
    }

    private void write(Insn i, Recipe recipe) {
        boolean written = switch (recipe) {
            case CHANGE, WRITE, READ, EXCHANGE, VECTOR, VECTOR_UNALIGNED, MMX -> {
                new PassThrough(code, i, recipe).write();
                yield true;
            }
            case X87 -> x87Code.write(i);
            case NOTHING -> true;
            case CUSTOM -> custom(i);
            case SYSTEM -> system(i);
            case LEAVE -> false;
        };
        if (!written) {
            code.flags.clobber();
            a.jmp(code.step());
            code.memory.spans().end();
            code.executedX87(null); // Recorded on the way out; and this one may load other pointers.
        }
    }

    /** The block ends, but not because of a branch. */
    private boolean goOn(Insn i) {
        branch.fallThrough(i);
        return true;
    }

    private boolean system(Insn i) {
        code.flags.clobber();
        code.memory.spans().end();
        return switch (i.row.mnemonic()) {
            case "SYSCALL" -> transfers.syscall(i);
            case "SYSRET" -> transfers.sysret(i);
            case "IRET" -> mode.is64() ? transfers.iret(i) : far.iret(i);
            case "JMPF" -> far.jump(i, false);
            case "CALLF" -> far.jump(i, true);
            case "RETF" -> far.ret(i);
            case "INT" -> far.interrupt(i);
            case "INT3" -> far.breakpoint(i);
            case "STAC" -> system.alignment(i, true, branch);
            case "CLAC" -> system.alignment(i, false, branch);
            case "RDTSC" -> system.readTime(false, stubs) && goOn(i);
            case "RDTSCP" -> system.readTime(true, stubs) && goOn(i);
            case "RDFSBASE" -> system.readBase(i, Segment.FS);
            case "RDGSBASE" -> system.readBase(i, Segment.GS);
            case "WRFSBASE" -> system.writeBase(i, Segment.FS);
            case "WRGSBASE" -> system.writeBase(i, Segment.GS);
            default -> system.readControl(i);
        };
    }

    private boolean custom(Insn i) {
        return switch (i.row.mnemonic()) {
            case "MOV" -> SegmentCode.isSegment(i.dst) ? segments.load(i) && goOn(i)
                    : SegmentCode.isSegment(i.src) ? segments.store(i) : integer.mov(i);
            case "LES" -> segments.loadFar(i, Segment.ES);
            case "LDS" -> segments.loadFar(i, Segment.DS);
            case "LFS" -> segments.loadFar(i, Segment.FS);
            case "LGS" -> segments.loadFar(i, Segment.GS);
            case "XLAT" -> integer.xlat(i);
            case "LEA" -> integer.lea(i);
            case "BSWAP" -> integer.bswap(i);
            case "INC" -> integer.incDec(i, true);
            case "DEC" -> integer.incDec(i, false);
            case "XCHG" -> integer.xchg(i);
            case "NOP" -> integer.nop(i);
            case "IMUL" -> integer.imul(i);
            case "DIV" -> integer.div(i);
            case "IDIV" -> integer.idiv(i);
            case "CBW" -> integer.cbw(i);
            case "CWD" -> integer.cwd(i);
            case "CMC" -> integer.carry(Plain.CMC);
            case "CLC" -> integer.carry(Plain.CLC);
            case "STC" -> integer.carry(Plain.STC);
            case "CLD" -> integer.direction(false);
            case "STD" -> integer.direction(true);
            case "BT" -> integer.bitTest(i, BitTest.BT);
            case "BTS" -> integer.bitTest(i, BitTest.BTS);
            case "BTR" -> integer.bitTest(i, BitTest.BTR);
            case "BTC" -> integer.bitTest(i, BitTest.BTC);
            case "CMPXCHG8B" -> integer.compareExchangePair(i, i.operandSize == 8 && offered.has(Feature.CX16));
            case "MFENCE" -> integer.fence(Plain.MFENCE);
            case "LFENCE" -> integer.fence(Plain.LFENCE);
            case "SFENCE" -> integer.fence(Plain.SFENCE);
            case "PUSH" -> SegmentCode.isSegment(i.dst) ? segments.push(i) : stack.push(i);
            case "POP" -> SegmentCode.isSegment(i.dst) ? segments.pop(i) : stack.pop(i);
            case "PUSHA" -> stack.pusha(i);
            case "POPA" -> stack.popa(i);
            case "LEAVE" -> stack.leave(i);
            case "CALL" -> branch.call(i);
            case "RET" -> branch.ret(i);
            case "JMP" -> branch.jmp(i);
            case "PUSHF" -> system.pushf(i);
            case "POPF" -> system.popf(i) && goOn(i);
            case "CLI" -> system.cli() && goOn(i);
            case "STI" -> system.sti(code.number() == block.insns.length - 1);
            case "SWAPGS" -> system.swapgs();
            case "MOVS" -> strings.movs(i) && goOn(i);
            case "STOS" -> strings.stos(i) && goOn(i);
            case "LODS" -> strings.lods(i) && goOn(i);
            case "SCAS" -> strings.scas(i) && goOn(i);
            case "CMPS" -> strings.cmps(i) && goOn(i);
            case "LOOP" -> branch.loop(i, null);
            case "LOOPE" -> branch.loop(i, Cond.E);
            case "LOOPNE" -> branch.loop(i, Cond.NE);
            case "JCXZ" -> branch.jcxz(i);
            default -> branch.conditional(i);
        };
    }
}
