package org.jkvm.machine.run;

import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jkvm.base.UserException;
import org.jkvm.base.time.SystemClock;
import org.jkvm.hypervisor.Vcpu;

/**
 * A machine's life: starts and stops its processors, resets it, ends it.
 *
 * <pre>
 *  PRELAUNCH ──resume──▶ RUNNING ◀──resume / stop──▶ PAUSED, DEBUG, IO_ERROR
 *                           │  ▲
 *                           │  └───reset: stays as it is; SHUTDOWN and INTERNAL_ERROR become PAUSED
 *                           ├──shutdown, -no-shutdown──▶ SHUTDOWN
 *                           ├──bug, -no-shutdown───────▶ INTERNAL_ERROR
 *                           └──shutdown, quit, bug─────▶ ended: awaitExit() returns
 * </pre>
 *
 * Every change is made on one control thread, with all vCPUs out of guest mode. A request holds the vCPUs from the moment
 * it is made: a processor that asks for a reset executes nothing after it. Methods may be called from any thread; those
 * named {@code request…} return at once, and are all that a vCPU thread, a device or a listener may call. Once the machine
 * has ended, requests come to nothing.
 */
public final class Machine implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Machine.class.getName());
    /** How long a reset waits for disks; a disk that hangs longer can at worst write into the restarted guest's RAM. */
    private static final long LONGEST_SETTLE = 10_000;

    private final Board board;
    private final SystemClock clock;
    private final LifePolicy policy;
    private final BlockingQueue<Request> requests = new LinkedBlockingQueue<>();
    private final List<Consumer<MachineEvent>> listeners = new CopyOnWriteArrayList<>();
    private final CompletableFuture<Integer> exitStatus = new CompletableFuture<>();
    private final VcpuGate gate;
    private final List<Thread> threads;
    private volatile RunState state = RunState.PRELAUNCH;
    private volatile boolean started;
    private volatile boolean ended;
    /** Guarded by {@link #requests}, as is every kick: a vCPU that has been freed must not be kicked. */
    private boolean closed;
    private int status;

    private record Request(Runnable action, CompletableFuture<Void> done) {
    }

    /** A machine around a wired board, time standing still. */
    public Machine(Board board, SystemClock clock, LifePolicy policy) {
        this.board = board;
        this.clock = clock;
        this.policy = policy;
        this.gate = new VcpuGate(board.vcpus().size());
        this.threads = board.vcpus().stream().map(this::vcpuThread).toList();
        clock.pause();
    }

    /** Adds a listener: called on the control thread, where it must not wait for this machine. */
    public void listen(Consumer<MachineEvent> listener) {
        listeners.add(listener);
    }

    /**
     * Resets the board, starts the threads and, unless {@code paused}, the processors. Once.
     *
     * @throws UserException when the kernel can't be loaded
     */
    public void start(boolean paused) {
        board.bus().locked(board::reset);
        started = true;
        Thread.ofPlatform().name(board.name() + " control").daemon().start(this::control);
        threads.forEach(Thread::start);
        if (!paused) {
            resume();
        }
    }

    /** What the machine is doing. */
    public RunState state() {
        return state;
    }

    /** Waits until the machine and its vCPU threads have ended; returns the process's exit status, 0 for an orderly end. */
    public int awaitExit() {
        return exitStatus.join();
    }

    /** Completes with the exit status when the machine has ended. */
    public CompletableFuture<Integer> exit() {
        return exitStatus.copy();
    }

    /** Stops the processors and guest time; returns when they stand. */
    public void stop() {
        await(submit(() -> stop(RunState.PAUSED)));
    }

    /**
     * Lets the processors run again; returns when they may.
     *
     * @throws UserException when the machine must be reset first
     */
    public void resume() {
        await(submit(this::run));
    }

    /** Resets the machine; returns when it has been done. */
    public void reset() {
        await(submit(() -> doReset(Cause.HOST_RESET)));
    }

    /** Presses the power button. */
    public void powerButton() {
        submit(() -> {
            board.bus().locked(board::powerButton);
            tell(new MachineEvent.PowerDown());
        });
    }

    /** Ends the machine at once, with exit status 0. */
    public void quit(Cause cause) {
        submit(() -> {
            tell(new MachineEvent.Shutdown(cause, ""));
            end(0);
        });
    }

    /**
     * Runs {@code action} on the control thread while no vCPU runs and the bus lock is held: snapshots, inspection. Returns
     * when it is done.
     */
    public void whileStopped(Runnable action) {
        await(submit(() -> board.bus().locked(action)));
    }

    /** Asks for a reset. */
    public void requestReset(Cause cause) {
        submit(() -> doReset(cause));
    }

    /** Asks for a shutdown; {@code status} is the process's exit status. */
    public void requestShutdown(Cause cause, int status) {
        submit(() -> shutdown(cause, status));
    }

    /** Asks for a stop in {@code reason}, one of the stopped states; {@code why} is told first. */
    public void requestStop(RunState reason, MachineEvent... why) {
        submit(() -> {
            List.of(why).forEach(this::tell);
            stop(reason);
        });
    }

    /**
     * Ends the machine if it has not ended, and waits until none of its threads runs. From then on requests come to nothing
     * and no vCPU is touched.
     */
    @Override
    public void close() {
        if (started) {
            quit(Cause.HOST_QUIT);
            awaitExit();
        }
        synchronized (requests) {
            closed = true;
            ended = true;
        }
    }

    /** A bug of ours showed on a timer's or a back end's thread: dumps the machine's state and stops it. */
    public void requestFailure(String where, Throwable bug) {
        submit(() -> fail(where, "a bug in jkvm: " + bug, bug));
    }

    /** A vCPU can't go on for a reason that is ours: dumps the machine's state and stops it. */
    void failed(Vcpu vcpu, String reason, Throwable bug) {
        submit(() -> fail("vCPU " + vcpu.index(), reason, bug));
    }

    private Thread vcpuThread(Vcpu vcpu) {
        return Thread.ofPlatform().name(board.name() + " vcpu" + vcpu.index()).daemon()
                .unstarted(new VcpuRunner(vcpu, board.bus(), gate, this));
    }

    private CompletableFuture<Void> submit(Runnable action) {
        Request request = new Request(action, new CompletableFuture<>());
        synchronized (requests) {
            if (!closed) {
                gate.hold();
                board.vcpus().forEach(Vcpu::kick);
                requests.add(request);
            }
        }
        if (ended) {
            request.done.complete(null);
        }
        return request.done;
    }

    private static void await(CompletableFuture<Void> done) {
        try {
            done.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    private void control() {
        try {
            while (!ended) {
                serve(requests.take());
            }
            for (Thread t : threads) {
                t.join();
            }
            exitStatus.complete(status);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void serve(Request request) throws InterruptedException {
        gate.awaitAllOutside();
        try {
            board.bus().locked(board.bus()::settle);
            request.action.run();
            request.done.complete(null);
        } catch (UserException e) {
            request.done.completeExceptionally(e);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, board.name() + ": control thread", e);
            request.done.completeExceptionally(e);
        } finally {
            gate.release();
        }
    }

    private void run() {
        switch (state) {
            case PRELAUNCH, PAUSED, DEBUG, IO_ERROR -> {
                state = RunState.RUNNING;
                board.bus().locked(board::resuming);
                clock.resume();
                gate.release();
                tell(new MachineEvent.Resume());
            }
            case RUNNING -> { }
            case SHUTDOWN, INTERNAL_ERROR -> throw new UserException("the machine must be reset first");
        }
    }

    private void stop(RunState reason) {
        if (state == RunState.RUNNING) {
            standStill(reason);
        }
    }

    /** From any state: what stopped already stays stopped, for another reason. */
    private void standStill(RunState reason) {
        if (state == RunState.RUNNING) {
            gate.hold();
            clock.pause();
        }
        state = reason;
        tell(new MachineEvent.Stop(reason));
    }

    private void doReset(Cause cause) {
        if (!policy.reboot()) {
            shutdown(cause, 0);
            return;
        }
        try {
            settle();
            board.bus().locked(board::reset);
        } catch (RuntimeException e) {
            fail("reset", e.getMessage(), e);
            return;
        }
        tell(new MachineEvent.Reset(cause));
        if (state == RunState.SHUTDOWN || state == RunState.INTERNAL_ERROR) {
            state = RunState.PAUSED;
        }
    }

    /** Waits until disks have let go of guest memory. */
    private void settle() {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(LONGEST_SETTLE);
        while (!board.bus().lockedGet(board::idle) && System.nanoTime() < end) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
    }

    private void shutdown(Cause cause, int status) {
        String detail = cause == Cause.TRIPLE_FAULT ? Dump.registers(board) : "";
        tell(new MachineEvent.Shutdown(cause, detail));
        if (policy.shutdown() || cause == Cause.GUEST_EXIT || !cause.byGuest()) {
            end(status);
        } else {
            standStill(RunState.SHUTDOWN);
        }
    }

    private void fail(String where, String reason, Throwable bug) {
        String what = board.name() + ": " + where + ": " + reason;
        String dump = Dump.write(policy.dumps(), board, what, bug);
        tell(new MachineEvent.InternalError(what + "; " + dump));
        if (policy.shutdown()) {
            end(1);
        } else {
            standStill(RunState.INTERNAL_ERROR);
        }
    }

    private void end(int exit) {
        status = exit;
        ended = true;
        clock.pause();
        gate.end();
        requests.forEach(r -> r.done.complete(null));
    }

    private void tell(MachineEvent event) {
        for (Consumer<MachineEvent> listener : listeners) {
            listener.accept(Objects.requireNonNull(event));
        }
    }
}
