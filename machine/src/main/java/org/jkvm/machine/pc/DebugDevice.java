package org.jkvm.machine.pc;

import org.jkvm.base.backend.CharacterBackend;

/** Devices for tests and debugging that a PC has only when asked: a closed set, QEMU's names and properties. */
public sealed interface DebugDevice {
    /**
     * {@code isa-debugcon}: a port that a guest prints on.
     *
     * @param iobase 0xe9 by custom, 0x402 for SeaBIOS and OVMF
     * @param out    where it goes
     */
    record Console(int iobase, CharacterBackend out) implements DebugDevice {
        /** The port that Bochs has. */
        public static final int BOCHS_PORT = 0xe9;
    }

    /**
     * {@code isa-debug-exit}: a port whose write ends the machine with status {@code value << 1 | 1}.
     *
     * @param iobase first port
     * @param iosize ports, 1 to 4
     */
    record Exit(int iobase, int iosize) implements DebugDevice {
        /** QEMU's defaults. */
        public static final Exit DEFAULTS = new Exit(0x501, 2);
    }

    /** {@code pc-testdev}: what kvm-unit-tests need. */
    record TestDevice() implements DebugDevice {
    }
}
