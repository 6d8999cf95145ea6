package org.jkvm.testkit;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.StateTree;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.Breakpoint;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86Vcpu;

/**
 * A vCPU that returns scripted exits, one a run, and remembers the answers. With nothing left it waits, as a halted one
 * does, until it is kicked or given more. A kick comes first.
 */
public final class FakeVcpu implements X86Vcpu {
    private final int index;
    private final Queue<VmExit> script = new ArrayDeque<>();
    private final List<ExitAnswer> answers = new ArrayList<>();
    private boolean kicked;
    private boolean running;
    private int resets;
    private X86State state = new X86State();

    FakeVcpu(int index) {
        this.index = index;
    }

    /** Appends exits to the script. From any thread. */
    public synchronized void script(VmExit... exits) {
        script.addAll(List.of(exits));
        notifyAll();
    }

    /** The answers so far, without {@link ExitAnswer#NONE}. */
    public synchronized List<ExitAnswer> answers() {
        return List.copyOf(answers);
    }

    /** Waits until {@code count} answers have come, and returns them; gives up after ten seconds. */
    public synchronized List<ExitAnswer> awaitAnswers(int count) throws InterruptedException {
        long end = System.nanoTime() + 10_000_000_000L;
        while (answers.size() < count && System.nanoTime() < end) {
            wait(10);
        }
        return answers();
    }

    /** Whether it is inside {@link #run}. */
    public synchronized boolean running() {
        return running;
    }

    /** How often it was reset. */
    public synchronized int resets() {
        return resets;
    }

    @Override
    public int index() {
        return index;
    }

    @Override
    public synchronized VmExit run(ExitAnswer answer) {
        if (answer != ExitAnswer.NONE) {
            answers.add(answer);
            notifyAll();
        }
        running = true;
        try {
            while (!kicked && script.isEmpty()) {
                wait();
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        } finally {
            running = false;
        }
        boolean interrupted = kicked;
        kicked = false;
        return interrupted ? new VmExit.Interrupted() : script.remove();
    }

    @Override
    public synchronized void kick() {
        kicked = true;
        notifyAll();
    }

    @Override
    public void injectNmi() {
    }

    @Override
    public long instructions() {
        return -1;
    }

    @Override
    public synchronized void reset() {
        resets++;
        state = new X86State();
    }

    @Override
    public synchronized X86State readState() {
        X86State copy = new X86State();
        StateTree.save(state).restore(copy);
        return copy;
    }

    @Override
    public synchronized void writeState(X86State newState) {
        state = newState;
    }

    /** Changes nothing: every exit comes from the script. */
    @Override
    public void singleStep(boolean on) {
    }

    @Override
    public void breakAt(List<Breakpoint> breakpoints) {
    }

    @Override
    public long translate(long linear) {
        return linear;
    }

    @Override
    public synchronized void exchangeState(StateIo io) {
        state.exchangeState(io);
    }

    @Override
    public void close() {
    }
}
