package org.jkvm.machine.run;

import java.nio.file.Path;

/**
 * What a machine does at the turning points of its life.
 *
 * @param reboot   whether a reset resets; otherwise it shuts down ({@code -no-reboot})
 * @param shutdown whether a guest's shutdown or a bug of ours ends the machine; otherwise it stops, and can be looked at
 *                 ({@code -no-shutdown})
 * @param dumps    the folder that dumps after a bug of ours are written to
 */
public record LifePolicy(boolean reboot, boolean shutdown, Path dumps) {
}
