package org.jkvm.app.monitor;

import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.GuestMemory;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.testkit.FakeMemory;

/** A machine that remembers what it was told. Linear addresses from 1000000h on are mapped to physical 0. */
final class FakeMachine implements MonitorMachine {
    static final long LINEAR = 0x1000000;
    final List<String> told = new ArrayList<>();
    final FakeMemory memory = new FakeMemory(0x3000);
    final X86State state = new X86State();

    @Override
    public String name() {
        return "guest";
    }

    @Override
    public String status() {
        return "running";
    }

    @Override
    public void stop() {
        told.add("stop");
    }

    @Override
    public void cont() {
        told.add("cont");
    }

    @Override
    public void systemReset() {
        told.add("reset");
    }

    @Override
    public void systemPowerdown() {
        told.add("powerdown");
    }

    @Override
    public void nmi() {
        told.add("nmi");
    }

    @Override
    public void quit() {
        told.add("quit");
    }

    @Override
    public int vcpus() {
        return 2;
    }

    @Override
    public X86State registers(int vcpu) {
        return state;
    }

    @Override
    public long translate(int vcpu, long linear) {
        return linear >= LINEAR ? linear - LINEAR : -1;
    }

    @Override
    public GuestMemory memory() {
        return memory;
    }

    @Override
    public List<Topic> topics() {
        return List.of(new Topic("jit", "instructions", () -> "7 instructions\n"));
    }

    @Override
    public List<Action> commands() {
        return List.of();
    }

    @Override
    public Disassembler disassembler() {
        return (_, code, bits) -> new Disassembler.Instruction(2, "op%d $0x%02x".formatted(bits, code[0]));
    }
}
