package org.jkvm.devices.acpi;

import java.util.List;
import org.jkvm.base.IoHandler;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateIo;
import org.jkvm.devices.Device;

/**
 * The reset control register of Intel's PIIX and ICH (82371AB PIIX4, section 4.1.5.3, "RC"), a PC's CF9h; ACPI's reset
 * register is this with the value {@link #FULL_RESET}.
 */
public final class ResetControl implements Device {
    /** What to write for a reset: RCPU with SRST. */
    public static final int FULL_RESET = 6;
    private static final int SRST = 1;
    private static final int RCPU = 2;

    private final Runnable reset;
    private final RegisterFile file = new RegisterFile("reset-control").summary("Reset control register")
            .source("Intel 82371AB PIIX4 (290562), section 4.1.5.3");
    private final Register rc;
    private boolean armed = true;

    /** Makes the chip; {@code reset} asks the machine for a reset, and returns before it happens. */
    public ResetControl(Runnable reset) {
        this.reset = reset;
        rc = file.register("RC", 0, 8).writable(1 << SRST | 1 << RCPU).onWrite(v -> written())
                .bit("SRST", SRST, "System reset: RCPU resets the whole machine, not just the processor")
                .bit("RCPU", RCPU, "Going from 0 to 1 resets").summary("Reset control");
    }

    @Override
    public String name() {
        return "reset-control";
    }

    @Override
    public List<RegisterFile> registerFiles() {
        return List.of(file);
    }

    /** The one-byte window. */
    public IoHandler window() {
        return file;
    }

    @Override
    public void reset() {
        file.reset();
        armed = true;
    }

    @Override
    public void exchangeState(StateIo io) {
        io.part("registers", file);
        armed = !rc.isSet(RCPU);
    }

    private void written() {
        boolean fire = armed && rc.isSet(RCPU);
        armed = !rc.isSet(RCPU);
        if (fire) {
            reset.run();
        }
    }
}
