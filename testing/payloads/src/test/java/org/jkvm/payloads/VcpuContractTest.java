package org.jkvm.payloads;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.lang.foreign.ValueLayout;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jkvm.base.state.StateTree;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.MemorySlot;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.Breakpoint;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86Vcpu;
import org.jkvm.kvm.KvmHypervisor;
import org.jkvm.kvm.KvmSpeed;
import org.jkvm.linux.SharedMemory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** The contract of a vCPU, by real-mode code of a few bytes at 1000h; one body for every backend. */
@Timeout(30)
@ParameterizedClass
@EnumSource(TestBackend.class)
class VcpuContractTest extends RealModeTest<VirtualMachine> {
    private final TestBackend backend;
    private final SharedMemory rom = SharedMemory.allocate("rom", MemorySlot.PAGE);

    VcpuContractTest(TestBackend backend) {
        this.backend = backend;
    }

    @BeforeEach
    void makeMachine() {
        backend.assumePresent();
        vm = machine(backend.hypervisor()::createVirtualMachine, 1);
        vm.setMemorySlot(new MemorySlot(1, RAM, rom.segment(), true, false));
        vcpu = vm.createVcpu(0, backend.models().parse("max", 1, 1));
    }

    @AfterEach
    void closeRom() {
        rom.close();
    }

    /** DS begins at linear 100000h. */
    @Override
    void code(String hex) {
        code(hex, state -> state.segments[3] = segment(RAM));
    }

    private VmExit answer(long value) {
        return vcpu.run(new ExitAnswer.Value(value));
    }

    @Test
    void portReadsTakeTheirAnswer() {
        code("e5 10  66 e5 14  e4 30  f4"); // in ax, 10h; in eax, 14h; in al, 30h; hlt
        assertThat(run()).isEqualTo(new VmExit.PortRead(0x10, 2, 1));
        assertThat(answer(0x1234)).isEqualTo(new VmExit.PortRead(0x14, 4, 1));
        assertThat(answer(0x89abcdefL)).isEqualTo(new VmExit.PortRead(0x30, 1, 1));
        vcpu.kick();
        assertThat(answer(0x55)).isEqualTo(new VmExit.Interrupted());
        assertThat(vcpu.readState().general[0]).isEqualTo(0x89abcd55L);
    }

    @Test
    void portWritesCarryTheirValue() {
        code("66 b8 44332211  e6 10  e7 14  66 e7 30"); // mov eax, 11223344h; out 10h, al; out 14h, ax; out 30h, eax
        assertThat(((VmExit.PortWrite) run()).data()).containsExactly(0x44);
        assertThat(((VmExit.PortWrite) run()).data()).containsExactly(0x44, 0x33);
        VmExit.PortWrite wide = (VmExit.PortWrite) run();
        assertThat(wide.value()).isEqualTo(0x11223344L);
        assertThat(wide.port()).isEqualTo(0x30);
    }

    @Test
    void anAnswerThatWasNotAskedForIsRefused() {
        code("e4 10 e6 10");
        assertThatThrownBy(() -> answer(1)).isInstanceOf(IllegalArgumentException.class);
        assertThat(run()).isEqualTo(new VmExit.PortRead(0x10, 1, 1));
        assertThatThrownBy(this::run).isInstanceOf(IllegalArgumentException.class);
        assertThat(answer(7)).isInstanceOf(VmExit.PortWrite.class);
    }

    @Test
    void unbackedMemoryIsMmio() {
        code("a1 0020  a3 0420"); // mov ax, [2000h]; mov [2004h], ax
        assertThat(run()).isEqualTo(new VmExit.MmioRead(RAM + 0x2000, 2));
        assertThat(answer(0xbeef)).isEqualTo(new VmExit.MmioWrite(RAM + 0x2004, 2, 0xbeef));
    }

    @Test
    void writesToReadOnlyMemoryAreMmio() {
        rom.segment().set(ValueLayout.JAVA_SHORT, 0x10, (short) 0x4321);
        code("a1 1000  a3 2000  e6 10"); // mov ax, [10h]; mov [20h], ax; out 10h, al
        assertThat(run()).isEqualTo(new VmExit.MmioWrite(RAM + 0x20, 2, 0x4321));
        assertThat(run()).isInstanceOf(VmExit.PortWrite.class);
        assertThat(rom.segment().get(ValueLayout.JAVA_SHORT, 0x20)).isZero();
    }

    /** Only the software engine's: Linux's KVM emulates no FXSAVE to a device. */
    @Test
    void aSaveOfRegistersToADeviceIsAsManyWrites() {
        assumeFalse(backend == TestBackend.KVM, "KVM's instruction emulator makes other accesses");
        code("0f 20 e0  66 0d 00020000  0f 22 e0  0f ae 06 0020  e6 10"); // cr4 |= OSFXSR; fxsave [2000h]; out 10h, al
        Map<Long, Long> written = new TreeMap<>();
        VmExit exit = run();
        while (exit instanceof VmExit.MmioWrite write) {
            assertThat(written.put(write.address(), write.value())).as("written twice").isNull();
            exit = run();
        }
        assertThat(exit).isInstanceOf(VmExit.PortWrite.class);
        assertThat(written).hasSizeGreaterThan(30).containsEntry(RAM + 0x2018L, 0x1f80L);
    }

    @Test
    void theDirtyLogNamesWrittenPagesOnce() {
        code("36 c6 06 0050 01  e6 10  36 c6 06 0050 02  e6 10"); // mov byte ss:[5000h], 1; out; and again
        run();
        assertThat(vm.takeDirtyLog(0)[0] & 1 << 5).isNotZero();
        assertThat(vm.takeDirtyLog(0)[0]).isZero();
        run();
        assertThat(vm.takeDirtyLog(0)[0]).isEqualTo(1 << 5);
    }

    @Test
    void aKickComesBackFromALoopAndFromHalt() throws Exception {
        code("eb fe"); // jmp $
        kickSoon();
        assertThat(run()).isEqualTo(new VmExit.Interrupted());
        code("f4");
        kickSoon();
        assertThat(run()).isEqualTo(new VmExit.Interrupted());
    }

    private void kickSoon() {
        clock.timer("kick", vcpu::kick).arm(clock.nanos() + 20_000_000);
    }

    @Test
    void anNmiWakesAHaltedProcessor() {
        ram.segment().set(ValueLayout.JAVA_SHORT, 8, (short) 0x1010); // vector 2: 0000:1010
        code("f4 90 90 90 90 90 90 90 90 90 90 90 90 90 90 90  e6 22"); // hlt; at 1010h: out 22h, al
        clock.timer("nmi", vcpu::injectNmi).arm(clock.nanos() + 20_000_000);
        assertThat(((VmExit.PortWrite) run()).port()).isEqualTo(0x22);
    }

    @Test
    void aTripleFaultIsShutdown() {
        code("0f 0b"); // ud2, in protected mode with an empty IDT
        X86State state = vcpu.readState();
        state.cr0 = 0x11;
        state.segments[1] = new X86State.Segment(8, 0, -1, 0xc09b);
        state.idtLimit = 0;
        vcpu.writeState(state);
        assertThat(run()).isEqualTo(new VmExit.Shutdown());
        assertThat(run()).isEqualTo(new VmExit.Shutdown());
        vcpu.reset();
        code("e6 10");
        assertThat(run()).isInstanceOf(VmExit.PortWrite.class);
    }

    @Test
    void stateSurvivesARoundTrip() {
        code("66 b8 78563412  e6 10  e6 11"); // mov eax, 12345678h; out 10h, al; out 11h, al
        run();
        vcpu.kick();
        run();
        X86State state = vcpu.readState();
        String pi = "35c26821a2da0fc90040";
        System.arraycopy(HexFormat.of().parseHex(pi), 0, state.xsave, 32, 10); // ST(0)
        System.arraycopy(HexFormat.of().parseHex(pi), 0, state.xsave, 160, 10); // XMM0
        state.xsave[512] = 3; // XSTATE_BV: x87, SSE
        vcpu.writeState(state);
        StateTree saved = StateTree.save(vcpu);
        vcpu.reset();
        saved.restore(vcpu);
        X86State restored = vcpu.readState();
        assertThat(restored.general[0]).isEqualTo(0x12345678L);
        assertThat(HexFormat.of().formatHex(restored.xsave, 32, 42)).isEqualTo(pi);
        assertThat(HexFormat.of().formatHex(restored.xsave, 160, 170)).isEqualTo(pi);
        assertThat(StateTree.save(vcpu).values().keySet()).isEqualTo(saved.values().keySet());
        assertThat(((VmExit.PortWrite) run()).port()).isEqualTo(0x11);
    }

    /** One backend's state is another's: the software engine goes on where this one stopped, and the other way round. */
    @Test
    void stateMovesToTheSoftwareEngineAndBack() {
        code("66 b8 78563412  e6 10  40  e6 11  40  e6 12"); // mov eax, 12345678h; out 10h, al; inc ax; out 11h; inc ax; out 12h
        run();
        vcpu.kick();
        run();
        try (VirtualMachine other = TestBackend.INTERPRETER.hypervisor().createVirtualMachine(new VmConfig(1, clock))) {
            other.setMemorySlot(new MemorySlot(0, 0, ram.segment(), false, false));
            X86Vcpu soft = other.createVcpu(0, backend.models().parse("max", 1, 1));
            StateTree.save(vm).restore(other);
            StateTree.save(vcpu).restore(soft);
            assertThat(((VmExit.PortWrite) soft.run(ExitAnswer.NONE)).value()).isEqualTo(0x79);
            soft.kick();
            soft.run(ExitAnswer.NONE);
            StateTree.save(other).restore(vm);
            StateTree.save(soft).restore(vcpu);
        }
        assertThat(((VmExit.PortWrite) run()).value()).isEqualTo(0x7a);
    }

    @Test
    void aSingleStepIsOneInstruction() {
        code("40  40  e6 10  f4"); // inc ax; inc ax; out 10h, al; hlt
        vcpu.singleStep(true);
        assertThat(run()).isEqualTo(new VmExit.Debug(CODE + 1, 0));
        assertThat(run()).isEqualTo(new VmExit.Debug(CODE + 2, 0));
        vcpu.singleStep(false);
        assertThat(((VmExit.PortWrite) run()).value()).isEqualTo(2);
    }

    @Test
    void aBreakpointStopsBeforeItsInstruction() {
        code("40  40  eb fd"); // inc ax; inc ax; jmp to the second
        vcpu.breakAt(List.of(Breakpoint.execute(0x9999), Breakpoint.execute(CODE + 1)));
        assertThat(run()).isEqualTo(new VmExit.Debug(CODE + 1, 2));
        assertThat(vcpu.readState().general[0] & 0xffff).isEqualTo(1);
        assertThat(run()).isEqualTo(new VmExit.Debug(CODE + 1, 2));
        assertThat(vcpu.readState().general[0] & 0xffff).isEqualTo(2);
        code("40  e6 10"); // inc ax; out 10h, al
        vcpu.breakAt(List.of());
        assertThat(((VmExit.PortWrite) run()).port()).isEqualTo(0x10);
    }

    @Test
    void anInstructionThatExitsIsStoppedAtOnce() {
        code("e4 10  e6 11"); // in al, 10h; out 11h, al
        vcpu.breakAt(List.of(Breakpoint.execute(CODE)));
        assertThat(run()).isEqualTo(new VmExit.Debug(CODE, 1));
        assertThat(run()).isEqualTo(new VmExit.PortRead(0x10, 1, 1));
        assertThat(((VmExit.PortWrite) answer(0x77)).value()).isEqualTo(0x77);
    }

    @Test
    void stepsGoOverBreakpoints() {
        code("40  40  e6 10"); // inc ax; inc ax; out 10h, al
        vcpu.breakAt(List.of(Breakpoint.execute(CODE + 1)));
        vcpu.singleStep(true);
        assertThat(run()).isEqualTo(new VmExit.Debug(CODE + 1, 0));
        vcpu.singleStep(false);
        assertThat(run()).isEqualTo(new VmExit.Debug(CODE + 1, 1));
        assertThat(((VmExit.PortWrite) run()).value()).isEqualTo(2);
    }

    @Test
    void aBreakpointOfDataStopsAfterTheAccess() {
        assumeFalse(backend == TestBackend.KVM && !KvmSpeed.measure(new KvmHypervisor()).inHardware(),
                "this host's KVM is an emulation, which looks at the addresses of instructions only");
        code("36 a0 0050  36 c6 06 0250 01  36 a0 0250  e6 10"); // mov al, ss:[5000h]; mov byte ss:[5002h], 1; mov al, ss:[5002h]
        vcpu.breakAt(List.of(new Breakpoint(Breakpoint.Kind.WRITE, 0x5000, 8), new Breakpoint(Breakpoint.Kind.ACCESS, 0x5002, 1)));
        assertThat(run()).isEqualTo(new VmExit.Debug(CODE + 10, 3));
        assertThat(run()).isEqualTo(new VmExit.Debug(CODE + 14, 2));
        assertThat(((VmExit.PortWrite) run()).value()).isEqualTo(1);
    }

    @Test
    void aProcessorHasFourBreakpoints() {
        assertThatThrownBy(() -> vcpu.breakAt(Collections.nCopies(5, Breakpoint.execute(CODE))))
                .isInstanceOf(IllegalArgumentException.class).hasMessage("5 breakpoints: a processor has 4");
        assertThatThrownBy(() -> new Breakpoint(Breakpoint.Kind.WRITE, CODE + 1, 2)).isInstanceOf(IllegalArgumentException.class);
    }

    /** An interrupt that one backend had taken from its chip is delivered by the one that goes on. */
    @Test
    void anAcknowledgedInterruptIsDelivered() {
        ram.segment().set(ValueLayout.JAVA_SHORT, 4 * 0x40, (short) 0x1010); // vector 40h: 0000:1010
        code("40 90 90 90 90 90 90 90 90 90 90 90 90 90 90 90  e6 22"); // inc ax; at 1010h: out 22h, al
        X86State state = vcpu.readState();
        state.rflags |= 0x200;
        state.injected = 0x40;
        vcpu.writeState(state);
        VmExit.PortWrite exit = (VmExit.PortWrite) run();
        assertThat(exit.port()).isEqualTo(0x22);
        assertThat(exit.value()).isZero();
        assertThat(vcpu.readState().injected).isEqualTo(-1);
    }

    /** What user mode answered belongs to the instruction that asked, whatever interrupts come meanwhile. */
    @Test
    void anInterruptWaitsForAnAnsweredInstruction() {
        ram.segment().set(ValueLayout.JAVA_SHORT, 8, (short) 0x1010); // vector 2: 0000:1010
        code("e4 10  e6 11  90 90 90 90 90 90 90 90 90 90 90 90  e4 12"); // in al, 10h; out 11h, al; at 1010h: in al, 12h
        assertThat(run()).isEqualTo(new VmExit.PortRead(0x10, 1, 1));
        vcpu.injectNmi();
        assertThat(answer(0x77)).isEqualTo(new VmExit.PortRead(0x12, 1, 1));
        assertThat(vcpu.readState().general[0] & 0xff).isEqualTo(0x77);
    }

    /** A kick after an exit comes back only once the instruction is complete, so that its state can be saved. */
    @Test
    void aKickLetsTheAnsweredInstructionComplete() {
        code("e4 10  f4");
        run();
        vcpu.kick();
        assertThat(answer(0x77)).isEqualTo(new VmExit.Interrupted());
        assertThat(vcpu.readState().rip).isEqualTo(CODE + 2);
        vcpu.kick();
        assertThat(run()).isEqualTo(new VmExit.Interrupted());
    }

    @Test
    void aResetDropsTheExitThatWaitsForItsAnswer() {
        code("e4 10");
        run();
        vcpu.reset();
        code("e6 11");
        assertThat(answer(1)).isInstanceOf(VmExit.PortWrite.class);
        vcpu.reset();
        code("e6 12");
        assertThat(((VmExit.PortWrite) run()).port()).isEqualTo(0x12);
    }

    @Test
    void addressesAreTranslatedWithoutATrace() {
        code("f4");
        assertThat(vcpu.translate(0x1234)).isEqualTo(0x1234);
    }

    @Test
    void aClosedVcpuIgnoresOtherThreads() {
        vm.close();
        vcpu.kick();
        vcpu.injectNmi();
        vm.interruptChip().setLine(1, true);
    }
}
