package org.jkvm.app.vm;

import java.util.concurrent.atomic.AtomicBoolean;
import org.jkvm.linux.Signals;
import org.jkvm.machine.run.Cause;
import org.jkvm.machine.run.Machine;

/**
 * What signals mean: SIGTERM presses the power button, and ends the machine when the guest has not powered off after a
 * grace, or at a second SIGTERM; SIGINT and SIGHUP end it at once.
 */
final class SignalPolicy {
    private static final long GRACE_MILLIS = 10_000;

    private SignalPolicy() {
    }

    static void install(Machine machine) {
        AtomicBoolean pressed = new AtomicBoolean();
        Signals.handle("TERM", () -> {
            if (pressed.getAndSet(true)) {
                machine.quit(Cause.HOST_SIGNAL);
            } else {
                powerDown(machine);
            }
        });
        Signals.handle("INT", () -> end(machine, "SIGINT"));
        Signals.handle("HUP", () -> end(machine, "SIGHUP"));
    }

    private static void end(Machine machine, String signal) {
        System.err.println("kvm: terminating on " + signal);
        machine.quit(Cause.HOST_SIGNAL);
    }

    private static void powerDown(Machine machine) {
        System.err.println("kvm: SIGTERM: pressed the power button; terminating in " + GRACE_MILLIS / 1000 + " s");
        machine.powerButton();
        Thread.ofPlatform().daemon().name("grace").start(() -> {
            try {
                Thread.sleep(GRACE_MILLIS);
                machine.quit(Cause.HOST_SIGNAL);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }
}
