package org.jkvm.hypervisor;

import org.jkvm.base.time.Clock;

/**
 * What a virtual machine is made with.
 *
 * @param maxVcpus how many vCPUs it may get, 1 to 255
 * @param clock    guest time; timers of the interrupt chip run on it
 */
public record VmConfig(int maxVcpus, Clock clock) {
    /** Checks the ranges. */
    public VmConfig {
        if (maxVcpus < 1 || maxVcpus > 255) {
            throw new IllegalArgumentException("maxVcpus " + maxVcpus + ": 1 to 255");
        }
    }
}
