package org.jkvm.devices.i8042;

import java.util.List;
import org.jkvm.base.IoHandler;
import org.jkvm.base.Line;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateIo;
import org.jkvm.devices.ByteFifo;
import org.jkvm.devices.Device;

/**
 * The PC's keyboard and auxiliary device controller, an Intel 8042 with IBM's program in it, and what hangs on it: a
 * {@link Ps2Keyboard} and a {@link Ps2Mouse} (IBM PS/2 Hardware Interface Technical Reference, "Keyboard and auxiliary
 * device controller"). Bytes move at once, so the input buffer is never full.
 *
 * <p>It powers on as firmware leaves it (translation and both interrupts on), for kernels that are started without any.
 */
public final class I8042 implements Device {
    private static final int OBF = 0x01;
    private static final int SYS = 0x04;
    private static final int UNLOCKED = 0x10;
    private static final int AUX_OBF = 0x20;

    private static final int INT1 = 0;
    private static final int INT2 = 1;
    private static final int SELF_TESTED = 2;
    private static final int DISABLE_KEYBOARD = 4;
    private static final int DISABLE_AUX = 5;
    private static final int TRANSLATE = 6;

    private static final int P2_RUN = 0;
    private static final int P2_A20 = 1;
    private static final int P1_UNLOCKED = 0x80;

    private static final int WRITE_RAM = 0x60;
    private static final int WRITE_P2 = 0xd1;
    private static final int WRITE_KEYBOARD_OUTPUT = 0xd2;
    private static final int WRITE_AUX_OUTPUT = 0xd3;
    private static final int WRITE_AUX = 0xd4;
    private static final int NONE = 0;

    private final Line keyboardIrq;
    private final Line auxIrq;
    private final Line a20;
    private final Runnable reset;
    private final Ps2Keyboard keyboard = new Ps2Keyboard();
    private final Ps2Mouse mouse = new Ps2Mouse();
    private final RegisterFile data = file("i8042", "Data port, 60h on a PC");
    private final RegisterFile control = file("i8042-control", "Status and command port, 64h on a PC");
    private final RegisterFile ram = file("i8042-ram", "Controller RAM, commands 20h to 3Fh and 60h to 7Fh");
    private final RegisterFile ports = file("i8042-ports", "The 8042's own ports, commands C0h, D0h and D1h");
    private final Register commandByte;
    private final Register p2;
    private final ByteFifo replies = new ByteFifo(4);
    private int output;
    private boolean full;
    private boolean fromAux;
    private boolean breaking;
    private boolean lastWasCommand;
    /** The command whose data byte is due. */
    private int command = NONE;

    /**
     * Makes the controller with its keyboard and mouse.
     *
     * @param keyboardIrq the keyboard's interrupt, active high
     * @param auxIrq      the mouse's interrupt, active high
     * @param a20         asserted while this switch lets address line 20 through
     * @param reset       asks the machine for a reset, and returns before it happens
     */
    public I8042(Line keyboardIrq, Line auxIrq, Line a20, Runnable reset) {
        this.keyboardIrq = keyboardIrq;
        this.auxIrq = auxIrq;
        this.a20 = a20;
        this.reset = reset;
        data.register("OUTPUT", 0, 8).readSide().notSaved().onRead(this::readData).summary("Output buffer");
        data.register("INPUT", 0, 8).writeSide().writable(0).notSaved().onWrite(v -> writeData((int) v))
                .summary("Input buffer: data for the controller, the keyboard or the mouse");
        declareStatus();
        control.register("COMMAND", 0, 8).writeSide().writable(0).notSaved().onWrite(v -> writeCommand((int) v))
                .summary("Input buffer: command for the controller");
        commandByte = declareCommandByte();
        for (int i = 1; i < 0x20; i++) {
            ram.register("RAM" + Integer.toHexString(i), i, 8).summary("Keeps what is written");
        }
        ports.register("P1", 1, 8).readOnly().notSaved().reset(P1_UNLOCKED).bit("UNLOCKED", 7, "Keyboard lock open")
                .summary("Input port");
        p2 = declareP2();
        keyboard.connect(this::refill);
        mouse.connect(this::refill);
    }

    private static RegisterFile file(String chip, String summary) {
        return new RegisterFile(chip).summary(summary)
                .source("IBM PS/2 Hardware Interface Technical Reference, Keyboard and Auxiliary Device Controller");
    }

    private void declareStatus() {
        control.register("STATUS", 0, 8).readSide().notSaved().reset(UNLOCKED).onRead(this::status)
                .bit("OBF", 0, "Output buffer full").bit("IBF", 1, "Input buffer full: never")
                .bit("SYS", 2, "System flag of the command byte").bit("A2", 3, "The last write was a command")
                .bit("UNLOCKED", 4, "Keyboard lock open").bit("AUX_OBF", 5, "The output buffer holds a byte of the mouse")
                .bit("TIMEOUT", 6, "General timeout: never").bit("PARITY", 7, "Parity error: never").summary("Status");
    }

    private Register declareCommandByte() {
        return ram.register("COMMAND_BYTE", 0, 8).reset(0x43).onWrite(v -> refill())
                .bit("INT1", INT1, "Keyboard interrupt enabled").bit("INT2", INT2, "Mouse interrupt enabled")
                .bit("SYS", SELF_TESTED, "System flag").unmodelled("OVR", 3, 3, "Override the lock")
                .bit("DIS1", DISABLE_KEYBOARD, "Keyboard clock held").bit("DIS2", DISABLE_AUX, "Mouse clock held")
                .bit("XLATE", TRANSLATE, "Keyboard codes become set 1").unmodelled("RES", 7, 7, "Reserved")
                .summary("Controller command byte");
    }

    private Register declareP2() {
        return ports.register("P2", 2, 8).reset(0xcf).onWrite(v -> outputPortWritten())
                .bit("RUN", P2_RUN, "Zero resets the processor").bit("A20", P2_A20, "Address line 20 enabled")
                .field("CLOCKS", 7, 6, "Keyboard data and clock, as left").summary("Output port");
    }

    @Override
    public String name() {
        return "i8042";
    }

    @Override
    public List<RegisterFile> registerFiles() {
        return List.of(data, control, ram, ports);
    }

    /** The data port: 1 byte. */
    public IoHandler dataWindow() {
        return data;
    }

    /** The status and command port: 1 byte. */
    public IoHandler controlWindow() {
        return control;
    }

    /** The keyboard, for whoever types. */
    public Ps2Keyboard keyboard() {
        return keyboard;
    }

    /** The mouse, for whoever moves it. */
    public Ps2Mouse mouse() {
        return mouse;
    }

    @Override
    public void reset() {
        registerFiles().forEach(RegisterFile::reset);
        keyboard.reset();
        mouse.reset();
        replies.clear();
        full = false;
        fromAux = false;
        output = 0;
        breaking = false;
        lastWasCommand = false;
        command = NONE;
        a20.set(true);
        updateLines();
    }

    @Override
    public void exchangeState(StateIo io) {
        io.part("ram", ram);
        io.part("ports", ports);
        io.part("keyboard", keyboard);
        io.part("mouse", mouse);
        io.part("replies", replies);
        output = io.u8("output", output);
        full = io.flag("full", full);
        fromAux = io.flag("fromAux", fromAux);
        breaking = io.flag("breaking", breaking);
        lastWasCommand = io.flag("lastWasCommand", lastWasCommand);
        command = io.u8("command", command);
    }

    // Output buffer

    private long status() {
        return (full ? OBF : 0) | (commandByte.isSet(SELF_TESTED) ? SYS : 0) | (lastWasCommand ? 8 : 0) | UNLOCKED
                | (full && fromAux ? AUX_OBF : 0);
    }

    private long readData() {
        full = false;
        updateLines();
        int seen = output;
        refill();
        return seen;
    }

    /** Fills the empty output buffer: the controller's own replies first, then the keyboard's bytes, then the mouse's. */
    private void refill() {
        if (!full) {
            if (replies.size() > 0) {
                put(replies.pop(), false);
            } else if (keyboard.hasOutput() && !commandByte.isSet(DISABLE_KEYBOARD)) {
                putFromKeyboard();
            } else if (mouse.hasOutput() && !commandByte.isSet(DISABLE_AUX)) {
                put(mouse.read(), true);
            }
        }
        updateLines();
    }

    /** Translation turns set 2's F0h prefix into bit 7 of the code that follows. */
    private void putFromKeyboard() {
        int value = keyboard.read();
        if (!commandByte.isSet(TRANSLATE)) {
            put(value, false);
        } else if (value == ScanCodes.BREAK) {
            breaking = true;
            refill();
        } else {
            put(ScanCodes.toSet1(value) | (breaking ? ScanCodes.RELEASED : 0), false);
            breaking = false;
        }
    }

    private void put(int value, boolean aux) {
        output = value;
        fromAux = aux;
        full = true;
    }

    private void reply(int value) {
        replies.push(value);
        refill();
    }

    private void updateLines() {
        keyboardIrq.set(full && !fromAux && commandByte.isSet(INT1));
        auxIrq.set(full && fromAux && commandByte.isSet(INT2));
    }

    // Data and commands

    private void writeData(int value) {
        int waiting = command;
        command = NONE;
        lastWasCommand = false;
        switch (waiting) {
            case NONE -> toKeyboard(value);
            case WRITE_P2 -> ports.write(2, 1, value);
            case WRITE_KEYBOARD_OUTPUT -> loop(value, false);
            case WRITE_AUX_OUTPUT -> loop(value, true);
            case WRITE_AUX -> toMouse(value);
            default -> ram.write(waiting - WRITE_RAM, 1, value);
        }
    }

    /** A byte for the keyboard turns its clock on again. */
    private void toKeyboard(int value) {
        commandByte.setBit(DISABLE_KEYBOARD, false);
        keyboard.write(value);
        refill();
    }

    private void toMouse(int value) {
        commandByte.setBit(DISABLE_AUX, false);
        mouse.write(value);
        refill();
    }

    /** Puts a byte where one of a device would be; it replaces what has not been read. */
    private void loop(int value, boolean aux) {
        full = false;
        updateLines();
        put(value, aux);
        updateLines();
    }

    private void writeCommand(int value) {
        lastWasCommand = true;
        command = NONE;
        switch (value >> 5) {
            case 1 -> reply((int) ram.read(value & 0x1f, 1));
            case 3 -> command = value;
            default -> otherCommand(value);
        }
    }

    private void otherCommand(int value) {
        switch (value) {
            case 0xa4 -> reply(0xf1);
            case 0xa7, 0xa8 -> enable(DISABLE_AUX, value == 0xa8);
            case 0xa9, 0xab -> reply(0x00);
            case 0xaa -> selfTest();
            case 0xad, 0xae -> enable(DISABLE_KEYBOARD, value == 0xae);
            case 0xc0 -> reply(P1_UNLOCKED);
            case 0xd0 -> reply(outputPort());
            case WRITE_P2, WRITE_KEYBOARD_OUTPUT, WRITE_AUX_OUTPUT, WRITE_AUX -> command = value;
            case 0xdd, 0xdf -> ports.write(2, 1, p2.get() & ~(1L << P2_A20) | (value == 0xdf ? 1L << P2_A20 : 0));
            case 0xe0 -> reply(0);
            default -> pulse(value);
        }
    }

    private void enable(int disableBit, boolean on) {
        commandByte.setBit(disableBit, !on);
        refill();
    }

    /** Self-test: 55h means passed, and leaves both clocks held and the system flag set. */
    private void selfTest() {
        commandByte.set(commandByte.get() | 1 << SELF_TESTED | 1 << DISABLE_KEYBOARD | 1 << DISABLE_AUX);
        replies.clear();
        full = false;
        updateLines();
        reply(0x55);
    }

    /** Bits 4 and 5 of the output port are the two interrupts. */
    private int outputPort() {
        boolean irq1 = full && !fromAux && commandByte.isSet(INT1);
        boolean irq12 = full && fromAux && commandByte.isSet(INT2);
        return (int) p2.get() & ~0x30 | (irq1 ? 0x10 : 0) | (irq12 ? 0x20 : 0);
    }

    private void outputPortWritten() {
        a20.set(p2.isSet(P2_A20));
        if (!p2.isSet(P2_RUN)) {
            reset.run();
        }
    }

    /** F0h to FFh pulse those of bits 3 to 0 low that are zero in the command: FEh is the PC's reset. */
    private void pulse(int value) {
        if (value >= 0xf0 && (value & 1 << P2_RUN) == 0) {
            reset.run();
        }
    }
}
