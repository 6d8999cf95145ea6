package org.jkvm.devices.i8042;

import org.jkvm.base.state.StateIo;

/**
 * An IBM enhanced keyboard (PS/2 Hardware Interface Technical Reference, "Keyboard (101/102-key)") with scan code sets
 * 1 and 2. Departures: it queues 256 bytes and not 16, for hosts type in bursts; keys don't repeat by themselves, since
 * the host's do; set 3 is refused; grey keys carry no shift codes of their own around theirs.
 */
public final class Ps2Keyboard extends Ps2Device {
    /** Or'ed to the set 1 code of a key that has the prefix E0h. */
    public static final int EXTENDED = 0xe000;
    /** The Pause key, which has no release. */
    public static final int PAUSE = 0xe11d45;
    /** The Print Screen key. */
    public static final int PRINT_SCREEN = EXTENDED | 0x37;

    private static final int CAPACITY = 256;
    private static final int SET_LEDS = 0xed;
    private static final int ECHO = 0xee;
    private static final int SET_SCAN_CODES = 0xf0;
    private static final int IDENTIFY = 0xf2;
    private static final int SET_RATE = 0xf3;
    private static final int ENABLE = 0xf4;
    private static final int DEFAULT_DISABLE = 0xf5;
    private static final int SET_DEFAULT = 0xf6;
    private static final int SET_ALL_FIRST = 0xf7;
    private static final int SET_ALL_LAST = 0xfa;
    private static final int RESET = 0xff;
    /** 10.9 characters a second after half a second. */
    private static final int DEFAULT_RATE = 0x2b;

    private boolean scanning = true;
    private int scanCodeSet = 2;
    private int leds;
    private int rate = DEFAULT_RATE;

    Ps2Keyboard() {
        super(CAPACITY);
    }

    /**
     * A key goes down or up. With the bus lock held.
     *
     * @param scanCode its make code in set 1 (01h to 7Fh), with {@link #EXTENDED} where it has the prefix E0h, or
     *                 {@link #PAUSE}
     * @throws IllegalArgumentException where no key has that code
     */
    public void key(int scanCode, boolean pressed) {
        int[] bytes = encode(scanCode, pressed);
        if (scanning && bytes.length > 0 && !report(bytes)) {
            report(scanCodeSet == 1 ? 0xff : 0);
        }
        attend();
    }

    /** The lights as the guest set them: bit 0 Scroll Lock, bit 1 Num Lock, bit 2 Caps Lock. */
    public int leds() {
        return leds;
    }

    @Override
    void reset() {
        super.reset();
        setDefaults();
        scanCodeSet = 2;
        scanning = true;
        leds = 0;
    }

    @Override
    boolean isArgument(int forCommand, int value) {
        return value < SET_LEDS;
    }

    @Override
    void command(int value) {
        switch (value) {
            case SET_LEDS, SET_SCAN_CODES, SET_RATE -> expectArgument(value);
            case ECHO -> reply(ECHO);
            case IDENTIFY -> reply(ACK, 0xab, 0x83);
            case ENABLE -> setScanning(true);
            case DEFAULT_DISABLE -> setScanning(false);
            case SET_DEFAULT -> setScanning(scanning);
            case RESEND -> replyLast();
            case RESET -> {
                reset();
                reply(ACK, TEST_PASSED);
            }
            default -> reply(value >= SET_ALL_FIRST && value <= SET_ALL_LAST ? ACK : RESEND);
        }
    }

    @Override
    void argument(int forCommand, int value) {
        switch (forCommand) {
            case SET_LEDS -> leds = value & 7;
            case SET_RATE -> rate = value;
            default -> {
                selectSet(value);
                return;
            }
        }
        reply(ACK);
    }

    @Override
    public void exchangeState(StateIo io) {
        super.exchangeState(io);
        scanning = io.flag("scanning", scanning);
        scanCodeSet = io.u8("scanCodeSet", scanCodeSet);
        leds = io.u8("leds", leds);
        rate = io.u8("rate", rate);
    }

    private void selectSet(int value) {
        if (value == 0) {
            reply(ACK, scanCodeSet);
        } else if (value <= 2) {
            scanCodeSet = value;
            dropReports();
            reply(ACK);
        } else {
            reply(RESEND);
        }
    }

    /** F4h only empties the queue; F5h and F6h restore the typematic rate as well. */
    private void setScanning(boolean on) {
        if (!on || scanning) {
            setDefaults();
        }
        scanning = on;
        dropReports();
        reply(ACK);
    }

    private void setDefaults() {
        rate = DEFAULT_RATE;
    }

    private int[] encode(int scanCode, boolean pressed) {
        return scanCodeSet == 1 ? encodeSet1(scanCode, pressed) : encodeSet2(scanCode, pressed);
    }

    private static int[] encodeSet1(int scanCode, boolean pressed) {
        int up = pressed ? 0 : ScanCodes.RELEASED;
        int code = scanCode & 0xff;
        return switch (scanCode) {
            case PAUSE -> pressed ? new int[] {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5} : new int[0];
            case PRINT_SCREEN -> pressed ? new int[] {0xe0, 0x2a, 0xe0, 0x37} : new int[] {0xe0, 0xb7, 0xe0, 0xaa};
            default -> {
                ScanCodes.toSet2(checked(scanCode));
                yield extended(scanCode) ? new int[] {0xe0, code | up} : new int[] {code | up};
            }
        };
    }

    private static int[] encodeSet2(int scanCode, boolean pressed) {
        return switch (scanCode) {
            case PAUSE -> pressed ? new int[] {0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77} : new int[0];
            case PRINT_SCREEN -> pressed ? new int[] {0xe0, 0x12, 0xe0, 0x7c}
                    : new int[] {0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12};
            default -> encodePlainSet2(ScanCodes.toSet2(checked(scanCode)), extended(scanCode), pressed);
        };
    }

    private static int[] encodePlainSet2(int code, boolean extended, boolean pressed) {
        if (pressed) {
            return extended ? new int[] {0xe0, code} : new int[] {code};
        }
        return extended ? new int[] {0xe0, ScanCodes.BREAK, code} : new int[] {ScanCodes.BREAK, code};
    }

    private static boolean extended(int scanCode) {
        return (scanCode & ~0xff) == EXTENDED;
    }

    /** The code without its prefix. */
    private static int checked(int scanCode) {
        int code = extended(scanCode) ? scanCode & 0xff : scanCode;
        if (code < 1 || code > 0x7f) {
            throw new IllegalArgumentException("no key has scan code " + Integer.toHexString(scanCode) + "h");
        }
        return code;
    }
}
