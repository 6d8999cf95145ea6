package org.jkvm.app.vm;

import java.util.Arrays;
import org.jkvm.app.monitor.MonitorMachine.Action;
import org.jkvm.base.UserException;
import org.jkvm.hybrid.Engine;
import org.jkvm.hybrid.HybridVm;
import org.jkvm.machine.pc.Pc;

/** The monitor's {@code accel}: shows what runs the guest, and moves it while it runs. */
final class EngineCommand {
    private final Pc pc;
    private final HybridVm vm;

    EngineCommand(Pc pc, HybridVm vm) {
        this.pc = pc;
        this.vm = vm;
    }

    Action action() {
        return new Action("accel", "[kvm|soft]", "show what runs the guest, or move it while it runs", this::run);
    }

    private String run(String name) {
        if (!name.isEmpty()) {
            Engine engine = engine(name);
            pc.machine().whileStopped(() -> vm.moveTo(engine));
        }
        return "accel: " + vm.engine().label() + "\n";
    }

    private static Engine engine(String name) {
        return Arrays.stream(Engine.values()).filter(e -> e.label().equals(name)).findFirst().orElseThrow(() ->
                new UserException("accel " + name + ": there are kvm and soft"));
    }
}
