package org.jkvm.soft;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.jkvm.base.state.StateIo;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.Breakpoint;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.hypervisor.x86.X86State.Activity;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.linux.SharedMemory;
import org.jkvm.soft.chip.ProcessorPins;
import org.jkvm.soft.chip.VcpuInterrupts;
import org.jkvm.x64.CodeCache;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.cpuid.CpuidTable;
import org.jkvm.x86.exec.Interpreter;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Request;
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;
import org.jkvm.x86.translate.NativeCode;

/** A vCPU of the software backend: kernel mode around the interpreter's guest mode. */
final class SoftVcpu implements SoftProcessor, ProcessorPins {
    private final SoftVm vm;
    private final int index;
    private final MemorySegment struct;
    private final AccessLog log = new AccessLog();
    private final VcpuInterrupts apic;
    private final SoftBus bus;
    private final X86Cpu cpu;
    private final Interpreter interpreter;
    private final NativeCode translator;
    private final StateTransfer transfer;
    private final ConcurrentLinkedQueue<Runnable> calls = new ConcurrentLinkedQueue<>();
    /** Pages that it may have written, or may write, without telling anybody. */
    private final PageSet written = new PageSet();
    private volatile Thread runner;
    private volatile int startupVector;
    private volatile long executed;
    private final Object structLock = new Object();
    private boolean closed;
    private boolean waitForSipi;
    private boolean shutDown;
    private boolean stepping;

    SoftVcpu(SoftVm vm, int index, CpuModel model) {
        this.vm = vm;
        this.index = index;
        this.struct = SharedMemory.mapAnonymous(NativeCode.MEMORY_SIZE, SharedMemory.PROT_READ | SharedMemory.PROT_WRITE);
        this.apic = vm.chip().attach(index, this);
        this.bus = vm.lodges() ? new LodgerBus(vm, this, log, apic) : new SoftBus(vm, this, log, apic);
        this.cpu = new X86Cpu(struct.address() + CpuState.STACK, bus, new CpuidTable(rows(model), index, vm.lodges()));
        this.interpreter = new Interpreter(cpu);
        interpreter.shareAmong(vm.config().maxVcpus());
        this.translator = translator(vm.options());
        this.transfer = new StateTransfer(cpu, apic, bus);
        reset();
    }

    /** The translator, or null where blocks are to be interpreted only. */
    private NativeCode translator(SoftOptions options) {
        if (!options.translate() || !CodeCache.isHostSupported()) {
            return null;
        }
        NativeCode code = new NativeCode(cpu, interpreter, options.cacheBytes(), vm.translations());
        if (options.check()) {
            code.check();
        }
        interpreter.translateWith(code, options.threshold());
        return code;
    }

    private static int[][] rows(CpuModel model) {
        return model.leaves().stream()
                .map(l -> new int[] {l.function(), l.subleaf(), l.eax(), l.ebx(), l.ecx(), l.edx()})
                .toArray(int[][]::new);
    }

    @Override
    public int index() {
        return index;
    }

    // ---- running ----

    @Override
    public VmExit run(ExitAnswer answer) {
        runner = Thread.currentThread();
        boolean repeats = log.pending() != null;
        log.answer(answer);
        if (stepping && !cpu.halted && !waitForSipi && !shutDown) {
            interpreter.stepNext();
            cpu.request(Request.STEPPED);
        } else if (repeats) {
            interpreter.stepNext();
        }
        timeChanged();
        try {
            return untilExit();
        } finally {
            executed = cpu.instructions;
        }
    }

    /** The time-stamp counter, or the clock that it counts, may have been set. On the vCPU's thread. */
    void timeChanged() {
        bus.tellTime(cpu.msrs);
    }

    private VmExit untilExit() {
        for (;;) {
            if (shutDown && !wakesFromShutdown()) {
                return new VmExit.Shutdown();
            }
            if (waitForSipi) {
                park(Request.KICK | Request.SIPI | Request.INIT | Request.CODE_WRITTEN | Request.FLUSH_TLB);
                VmExit exit = serve();
                if (exit != null) {
                    return exit;
                }
                continue;
            }
            switch (interpreter.run()) {
                case EXIT -> {
                    return log.pending();
                }
                case SHUTDOWN -> shutDown = true;
                case HALT -> {
                    if (vm.lodges()) {
                        return new VmExit.Halted();
                    }
                    park(-1);
                }
                case REQUEST -> {
                    VmExit exit = serve();
                    if (exit != null) {
                        return exit;
                    }
                }
            }
        }
    }

    /** A shut-down processor leaves that state by INIT alone (SDM vol. 3A, section 6.15, #DF). */
    private boolean wakesFromShutdown() {
        return (cpu.requests() & Request.INIT) != 0;
    }

    /** Waits until one of {@code wanted} is requested; an interrupt that is masked does not wake. */
    private void park(int wanted) {
        executed = cpu.instructions;
        while ((cpu.requests() & wanted & wakeMask()) == 0) {
            LockSupport.park(this);
        }
    }

    private int wakeMask() {
        boolean interrupts = cpu.flag(Rflags.IF);
        return (interrupts ? -1 : ~Request.INTR) & (cpu.nmiBlocked ? ~Request.NMI : -1);
    }

    /** Does what was requested; returns the exit where user mode has to be entered, else null. */
    private VmExit serve() {
        int requests = cpu.requests();
        if ((requests & Request.CODE_WRITTEN) != 0) {
            cpu.clearRequest(Request.CODE_WRITTEN);
            for (Runnable call = calls.poll(); call != null; call = calls.poll()) {
                call.run();
            }
        }
        if ((requests & Request.FLUSH_TLB) != 0) {
            cpu.clearRequest(Request.FLUSH_TLB);
            cpu.mmu.flushAll();
        }
        if ((requests & Request.INIT) != 0) {
            cpu.clearRequest(Request.INIT);
            initialise();
        }
        if ((requests & Request.SIPI) != 0) {
            cpu.clearRequest(Request.SIPI);
            startUp();
        }
        cpu.clearRequest(Request.STEPPED);
        int hits = (requests & Request.STEPPED) != 0 ? cpu.debug.takeHits() : 0;
        if (hits != 0) {
            return stopped(hits);
        }
        if ((requests & Request.KICK) != 0) {
            cpu.clearRequest(Request.KICK);
            return new VmExit.Interrupted();
        }
        return (requests & Request.STEPPED) != 0 ? stopped(0) : null;
    }

    private VmExit stopped(int hits) {
        return new VmExit.Debug(cpu.segments.base(Segment.CS) + cpu.rip, hits);
    }

    private void initialise() {
        cpu.init();
        log.forget();
        interpreter.clear();
        shutDown = false;
        waitForSipi = index != 0;
    }

    /** SDM vol. 3A, section 8.4.3: CS is the vector in the upper byte of the selector. */
    private void startUp() {
        if (waitForSipi) {
            waitForSipi = false;
            cpu.startAt(startupVector);
        }
    }

    // ---- from other threads ----

    /** Sets request bits and wakes the vCPU; nothing once it is closed, as its native struct is gone then. */
    void request(int bits) {
        synchronized (structLock) {
            if (!closed) {
                cpu.request(bits);
            }
        }
        LockSupport.unpark(runner);
    }

    void withdraw(int bits) {
        synchronized (structLock) {
            if (!closed) {
                cpu.clearRequest(bits);
            }
        }
    }

    /** Device or other vCPU wrote bytes that this one may have decoded. */
    void codeWritten(long address, int size) {
        call(() -> interpreter.codeWritten(address, size));
    }

    /** Another vCPU decodes from {@code page}: from now on writes to it are told. */
    void protect(long page) {
        call(() -> {
            cpu.mmu.protectPage(page);
            written.remove(page);
            vm.codePages().written(page, 4096, this);
        });
    }

    /** Whether its TLB may let it write {@code page}. */
    boolean mayWrite(long page) {
        return written.contains(page);
    }

    /** The page walker, a slow store or the TLB is about to look whether {@code page} holds code. On the vCPU's thread. */
    void writes(long page) {
        written.add(page);
    }

    private void call(Runnable call) {
        calls.add(call);
        request(Request.CODE_WRITTEN);
    }

    @Override
    public void kick() {
        request(Request.KICK);
    }

    @Override
    public void injectNmi() {
        request(Request.NMI);
    }

    @Override
    public void interrupt(boolean level) {
        if (level) {
            request(Request.INTR);
        } else {
            withdraw(Request.INTR);
        }
    }

    @Override
    public void nmi() {
        request(Request.NMI);
    }

    @Override
    public void init() {
        request(Request.INIT);
    }

    @Override
    public void startup(int vector) {
        startupVector = vector;
        request(Request.SIPI);
    }

    @Override
    public long instructions() {
        Thread running = runner;
        return running == null ? executed : cpu.instructions;
    }

    @Override
    public String describeEngine() {
        long[] blocks = interpreter.counters();
        return "blocks decoded %d, kept %d, dropped %d\nTLB misses %d\n".formatted(blocks[1], blocks[0], blocks[2],
                cpu.mmu.misses()) + (translator == null ? "" : translator.describe());
    }

    // ---- state ----

    @Override
    public void reset() {
        cpu.reset();
        interpreter.clear();
        apic.reset();
        bus.kvmClock().reset();
        bus.inject(-1);
        log.forget();
        cpu.clearRequest(~(Request.KICK | Request.INTR));
        waitForSipi = index != 0;
        shutDown = false;
    }

    @Override
    public void singleStep(boolean on) {
        stepping = on;
    }

    @Override
    public void breakAt(List<Breakpoint> breakpoints) {
        long[] addresses = breakpoints.stream().mapToLong(Breakpoint::address).toArray();
        cpu.debug.watchFor(breakpoints.isEmpty() ? null : addresses, Breakpoint.dr7(breakpoints));
    }

    @Override
    public X86State readState() {
        X86State state = transfer.read();
        describeActivity(state);
        return state;
    }

    private void describeActivity(X86State state) {
        state.activity = shutDown ? Activity.SHUTDOWN : waitForSipi ? Activity.WAIT_FOR_SIPI
                : cpu.halted ? Activity.HALTED : Activity.RUNNING;
        state.nmiPending = (cpu.requests() & Request.NMI) != 0;
    }

    @Override
    public void writeState(X86State state) {
        transfer.write(state);
        interpreter.clear();
        takeActivity(state);
    }

    private void takeActivity(X86State state) {
        log.forget();
        shutDown = state.activity == Activity.SHUTDOWN;
        waitForSipi = state.activity == Activity.WAIT_FOR_SIPI;
        cpu.halted = state.activity == Activity.HALTED;
        if (state.nmiPending) {
            cpu.request(Request.NMI);
        }
        bus.inject(state.injected);
    }

    @Override
    public X86State readCore() {
        X86State state = transfer.readCore();
        describeActivity(state);
        return state;
    }

    @Override
    public void writeCore(X86State state) {
        transfer.writeCore(state);
        interpreter.forgetRepetition();
        takeActivity(state);
    }

    @Override
    public void forgetCode() {
        call(interpreter::clear);
    }

    @Override
    public long tscOffset() {
        return bus.tscOffset();
    }

    @Override
    public void tscOffset(long offset) {
        bus.tscOffset(offset);
    }

    @Override
    public boolean leftForInterprocessorInterrupt() {
        return bus.sendsInterrupt();
    }

    @Override
    public void exchangeState(StateIo io) {
        X86State state = readState();
        state.exchangeState(io);
        if (io.restoring()) {
            writeState(state);
        }
    }

    @Override
    public long translate(long linear) {
        return cpu.mmu.inspect(linear);
    }

    @Override
    public void close() {
        synchronized (structLock) {
            if (!closed) {
                closed = true;
                if (translator != null) {
                    translator.close();
                }
                SharedMemory.unmap(struct);
            }
        }
    }
}
