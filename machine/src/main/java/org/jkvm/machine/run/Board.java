package org.jkvm.machine.run;

import java.util.List;
import org.jkvm.hypervisor.x86.X86Vcpu;

/** A wired machine as its life cycle sees it. */
public interface Board {
    /** Its name, for thread names and files. */
    String name();

    /** Its devices' bus. */
    Bus bus();

    /** Its processors. */
    List<X86Vcpu> vcpus();

    /** Back to power-on state, with the kernel loaded again. No vCPU runs; the bus lock is held. */
    void reset();

    /** Whether no back end has a request under way that touches guest memory. The bus lock is held. */
    boolean idle();

    /** The processors are about to run, again or for the first time. The bus lock is held. */
    void resuming();

    /** Somebody presses the power button. The bus lock is held. */
    void powerButton();

    /** What a dump says beside the processors' registers: memory, devices, several lines. No vCPU runs. */
    String describe();
}
