package org.jkvm.devices.i8042;

import java.util.List;
import org.jkvm.base.IoHandler;
import org.jkvm.base.Line;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateIo;
import org.jkvm.devices.Device;

/**
 * The PS/2's system control port A, 92h: a second switch for A20, and a reset that is quicker than the keyboard
 * controller's (IBM PS/2 Hardware Interface Technical Reference, "System control port A"; Intel 82371AB PIIX4, "P92").
 */
public final class Port92 implements Device {
    private static final int FAST_INIT = 0;
    private static final int FAST_A20 = 1;

    private final Line a20;
    private final Runnable reset;
    private final RegisterFile file = new RegisterFile("port92").summary("System control port A")
            .source("Intel 82371AB PIIX4 (290562), \"P92\"");
    private final Register port;
    private boolean wasInit;

    /**
     * Makes the chip.
     *
     * @param a20   asserted while this switch lets address line 20 through; a PC joins it with the keyboard controller's in a
     *              {@link org.jkvm.devices.bus.WiredOr}
     * @param reset asks the machine for a processor reset, and returns before it happens
     */
    public Port92(Line a20, Runnable reset) {
        this.a20 = a20;
        this.reset = reset;
        port = file.register("PORT92", 0, 8).writable(3).onWrite(v -> written())
                .bit("FAST_INIT", FAST_INIT, "Going from 0 to 1 resets the processor")
                .bit("FAST_A20", FAST_A20, "Address line 20 enabled").summary("System control");
    }

    @Override
    public String name() {
        return "port92";
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
        wasInit = false;
        a20.set(false);
    }

    @Override
    public void exchangeState(StateIo io) {
        io.part("registers", file);
        wasInit = port.isSet(FAST_INIT);
    }

    private void written() {
        boolean fire = port.isSet(FAST_INIT) && !wasInit;
        wasInit = port.isSet(FAST_INIT);
        a20.set(port.isSet(FAST_A20));
        if (fire) {
            reset.run();
        }
    }
}
