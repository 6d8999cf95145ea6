package org.jkvm.machine.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jkvm.base.IoHandler;
import org.jkvm.base.time.SystemClock;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.hypervisor.x86.X86Vcpu;
import org.jkvm.testkit.FakeHypervisor;
import org.jkvm.testkit.FakeVcpu;
import org.jkvm.testkit.FakeVirtualMachine;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(20)
class MachineTest {
    @TempDir
    private Path folder;

    private final BlockingQueue<MachineEvent> events = new LinkedBlockingQueue<>();
    private TestBoard board;
    private Machine machine;

    /** Two vCPUs and, at port 80h, whatever the test wants to happen there; reads of it count up. */
    private static final class TestBoard implements Board {
        private Consumer<Throwable> onBug = bug -> { };
        private final Bus bus = new Bus(bug -> onBug.accept(bug));
        private final SystemClock clock = new SystemClock(bus.lock());
        private final FakeVirtualMachine vm = new FakeHypervisor().createVirtualMachine(new VmConfig(2, clock));
        private final CpuModel cpu = new CpuModel("fake", List.of());
        private final List<X86Vcpu> vcpus = List.of(vm.createVcpu(0, cpu), vm.createVcpu(1, cpu));
        private Runnable onWrite = () -> { };
        private int reads;
        private int resets;
        private int presses;
        private int busy;
        private int resumptions;

        TestBoard() {
            bus.ports().map("test", 0x80, 4, new IoHandler() {
                @Override
                public long read(long offset, int size) {
                    return ++reads;
                }

                @Override
                public void write(long offset, int size, long value) {
                    onWrite.run();
                }
            });
        }

        @Override
        public String name() {
            return "test";
        }

        @Override
        public Bus bus() {
            return bus;
        }

        @Override
        public List<X86Vcpu> vcpus() {
            return vcpus;
        }

        @Override
        public void reset() {
            resets++;
        }

        @Override
        public boolean idle() {
            return --busy < 0;
        }

        @Override
        public void resuming() {
            resumptions++;
        }

        @Override
        public void powerButton() {
            presses++;
        }

        @Override
        public String describe() {
            return "the board's own words\n";
        }
    }

    private FakeVcpu start(boolean reboot, boolean shutdown) {
        board = new TestBoard();
        machine = new Machine(board, board.clock, new LifePolicy(reboot, shutdown, folder));
        machine.listen(events::add);
        machine.start(false);
        return board.vm.vcpus().getFirst();
    }

    @AfterEach
    void quit() {
        machine.close();
        board.clock.close();
    }

    private <E extends MachineEvent> E await(Class<E> type) throws InterruptedException {
        for (MachineEvent e = events.poll(10, TimeUnit.SECONDS); e != null; e = events.poll(10, TimeUnit.SECONDS)) {
            if (type.isInstance(e)) {
                return type.cast(e);
            }
        }
        throw new AssertionError("no " + type.getSimpleName());
    }

    private static VmExit write() {
        return new VmExit.PortWrite(0x80, 1, 1, new byte[] {1});
    }

    private static VmExit read() {
        return new VmExit.PortRead(0x80, 1, 1);
    }

    @Test
    void exitsAreAnswered() throws Exception {
        FakeVcpu vcpu = start(true, true);
        vcpu.script(read(), new VmExit.PortRead(0x80, 2, 2), new VmExit.MmioRead(0xfee0_0000L, 4),
                new VmExit.PortRead(0x99, 1, 1));
        List<ExitAnswer> answers = vcpu.awaitAnswers(4);
        assertThat(answers.get(0)).isEqualTo(new ExitAnswer.Value(1));
        assertThat(((ExitAnswer.Data) answers.get(1)).bytes()).containsExactly(2, 0, 3, 0);
        assertThat(answers.get(2)).as("nothing there").isEqualTo(new ExitAnswer.Value(0xffff_ffffL));
        assertThat(answers.get(3)).as("nothing there").isEqualTo(new ExitAnswer.Value(0xff));
    }

    @Test
    void aStoppedMachineStandsStillAndGoesOn() throws Exception {
        FakeVcpu vcpu = start(true, true);
        machine.stop();
        long time = board.clock.nanos();
        assertThat(machine.state()).isEqualTo(RunState.PAUSED);
        assertThat(vcpu.running()).isFalse();
        vcpu.script(read());
        assertThat(board.clock.nanos()).isEqualTo(time);
        assertThat(vcpu.answers()).isEmpty();
        machine.resume();
        assertThat(vcpu.awaitAnswers(1)).hasSize(1);
        assertThat(machine.state()).isEqualTo(RunState.RUNNING);
    }

    @Test
    void theAnswerThatIsDueIsGivenBeforeStopping() throws Exception {
        FakeVcpu vcpu = start(true, true);
        for (int i = 1; i <= 50; i++) {
            vcpu.script(read());
            vcpu.awaitAnswers(i - 1);
            machine.stop();
            int seen = board.reads;
            assertThat(vcpu.answers()).hasSize(seen);
            machine.resume();
        }
    }

    @Test
    void aGuestsResetResetsTheBoardBeforeAnythingElseRuns() throws Exception {
        FakeVcpu vcpu = start(true, true);
        board.onWrite = () -> machine.requestReset(Cause.GUEST_RESET);
        vcpu.script(write());
        assertThat(await(MachineEvent.Reset.class).cause()).isEqualTo(Cause.GUEST_RESET);
        assertThat(board.resets).isEqualTo(2);
        assertThat(machine.state()).isEqualTo(RunState.RUNNING);
    }

    @Test
    void aResetWaitsForDisks() {
        start(true, true);
        board.bus.locked(() -> board.busy = 3);
        machine.reset();
        assertThat(board.busy).isNegative();
        assertThat(board.resets).isEqualTo(2);
        assertThat(board.resumptions).isEqualTo(1);
    }

    @Test
    void aTripleFaultResets() throws Exception {
        start(true, true).script(new VmExit.Shutdown());
        assertThat(await(MachineEvent.Reset.class).cause()).isEqualTo(Cause.TRIPLE_FAULT);
    }

    @Test
    void withoutRebootATripleFaultEndsWithARegisterDump() throws Exception {
        start(false, true).script(new VmExit.Shutdown());
        MachineEvent.Shutdown shutdown = await(MachineEvent.Shutdown.class);
        assertThat(shutdown.cause()).isEqualTo(Cause.TRIPLE_FAULT);
        assertThat(shutdown.detail()).contains("CPU#0").contains("RIP=").contains("CPU#1");
        assertThat(machine.awaitExit()).isZero();
        assertThat(board.resets).as("only at start").isEqualTo(1);
    }

    @Test
    void theGuestChoosesTheExitStatus() {
        FakeVcpu vcpu = start(true, true);
        board.onWrite = () -> machine.requestShutdown(Cause.GUEST_EXIT, 33);
        vcpu.script(write());
        assertThat(machine.awaitExit()).isEqualTo(33);
    }

    @Test
    void withoutShutdownTheMachineStaysUntilItIsReset() throws Exception {
        FakeVcpu vcpu = start(true, false);
        board.onWrite = () -> machine.requestShutdown(Cause.GUEST_SHUTDOWN, 0);
        vcpu.script(write());
        assertThat(await(MachineEvent.Stop.class).state()).isEqualTo(RunState.SHUTDOWN);
        assertThatThrownBy(() -> machine.resume()).hasMessage("the machine must be reset first");
        machine.reset();
        assertThat(machine.state()).isEqualTo(RunState.PAUSED);
        machine.resume();
        vcpu.script(read());
        assertThat(vcpu.awaitAnswers(1)).hasSize(1);
    }

    @Test
    void thePowerButtonReachesTheBoard() throws Exception {
        start(true, true);
        machine.powerButton();
        await(MachineEvent.PowerDown.class);
        assertThat(board.presses).isEqualTo(1);
    }

    @Test
    void aBugLeavesADumpAndExitStatus1() throws Exception {
        FakeVcpu vcpu = start(true, true);
        board.onWrite = () -> {
            throw new IllegalStateException("chip on fire");
        };
        vcpu.script(write());
        String reason = await(MachineEvent.InternalError.class).reason();
        assertThat(machine.awaitExit()).isEqualTo(1);
        String dump = Files.readString(Path.of(reason.substring(reason.indexOf(folder.toString()))));
        assertThat(dump).contains("chip on fire").contains("RAX=").contains("the board's own words").contains("MachineTest");
    }

    @Test
    void aBugOnABackEndsThreadStopsTheMachineToo() throws Exception {
        start(true, true);
        board.onBug = bug -> machine.requestFailure("back end", bug);
        board.bus.executor().execute(() -> {
            throw new IllegalStateException("chip on fire");
        });
        assertThat(await(MachineEvent.InternalError.class).reason()).contains("back end: ").contains("chip on fire");
        assertThat(machine.awaitExit()).isEqualTo(1);
    }

    @Test
    void aBackendThatGivesUpStopsTheMachine() throws Exception {
        start(true, false).script(new VmExit.InternalError("emulation failure at 1000h"));
        assertThat(await(MachineEvent.InternalError.class).reason()).contains("vCPU 0: emulation failure at 1000h");
        assertThat(await(MachineEvent.Stop.class).state()).isEqualTo(RunState.INTERNAL_ERROR);
    }

    @Test
    void nothingReachesAClosedMachine() throws Exception {
        FakeVcpu vcpu = start(true, true);
        machine.close();
        board.bus.close();
        vcpu.kick(); // The machine's own kick may have been taken or not: after this run there is none.
        vcpu.run(ExitAnswer.NONE);
        machine.requestReset(Cause.GUEST_RESET);
        machine.powerButton();
        machine.whileStopped(() -> board.resets++);
        board.bus.executor().execute(() -> board.resets++);
        vcpu.script(read());
        assertThat(vcpu.run(ExitAnswer.NONE)).as("not kicked").isEqualTo(read());
        assertThat(board.resets).isEqualTo(1);
        assertThat(board.presses).isZero();
    }

    @Test
    void manyThreadsMayAskAtOnce() throws Exception {
        FakeVcpu vcpu = start(true, true);
        List<Thread> threads = java.util.stream.IntStream.range(0, 4).mapToObj(n -> Thread.ofPlatform().start(() -> {
            for (int i = 0; i < 25; i++) {
                machine.stop();
                machine.reset();
                machine.resume();
            }
        })).toList();
        for (Thread t : threads) {
            t.join();
        }
        assertThat(board.resets).isEqualTo(101);
        vcpu.script(read());
        assertThat(vcpu.awaitAnswers(1)).hasSize(1);
    }
}
