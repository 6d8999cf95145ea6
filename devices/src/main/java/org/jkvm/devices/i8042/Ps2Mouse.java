package org.jkvm.devices.i8042;

import org.jkvm.base.state.StateIo;

/**
 * A PS/2 mouse (IBM PS/2 Hardware Interface Technical Reference, "Mouse") that turns into a Microsoft IntelliMouse with
 * a wheel, and into one with five buttons, when it is told three sample rates in a row. Motion that the guest is too
 * slow to read adds up.
 */
public final class Ps2Mouse extends Ps2Device {
    /** Button bits. */
    public static final int LEFT = 1;
    /** See {@link #LEFT}. */
    public static final int RIGHT = 2;
    /** See {@link #LEFT}. */
    public static final int MIDDLE = 4;
    private static final int BUTTONS = 0x1f;

    private static final int CAPACITY = 16;
    private static final int SCALING_1_1 = 0xe6;
    private static final int SCALING_2_1 = 0xe7;
    private static final int SET_RESOLUTION = 0xe8;
    private static final int STATUS = 0xe9;
    private static final int STREAM_MODE = 0xea;
    private static final int READ_DATA = 0xeb;
    private static final int RESET_WRAP = 0xec;
    private static final int WRAP_MODE = 0xee;
    private static final int REMOTE_MODE = 0xf0;
    private static final int READ_TYPE = 0xf2;
    private static final int SET_RATE = 0xf3;
    private static final int ENABLE = 0xf4;
    private static final int DISABLE = 0xf5;
    private static final int SET_DEFAULT = 0xf6;
    private static final int RESET = 0xff;

    private static final int TYPE_PLAIN = 0;
    private static final int TYPE_WHEEL = 3;
    private static final int TYPE_FIVE_BUTTONS = 4;
    /** Rates 200, 100, 80, and 200, 200, 80: "Microsoft IntelliMouse" detection. */
    private static final int KNOCK_WHEEL = 200 << 16 | 100 << 8 | 80;
    private static final int KNOCK_FIVE_BUTTONS = 200 << 16 | 200 << 8 | 80;
    /** Motion that is remembered at most. */
    private static final int FAR = 1023;
    /** What is left of a small motion at scaling 2:1. */
    private static final int[] SCALED = {0, 1, 1, 3, 6, 9};

    private int type = TYPE_PLAIN;
    private int lastRates;
    private int rate;
    private int resolution;
    private boolean scaling;
    private boolean reporting;
    private boolean remote;
    private boolean wrap;
    private int buttons;
    private int dx;
    private int dy;
    private int dz;
    private boolean changed;

    Ps2Mouse() {
        super(CAPACITY);
        setDefaults();
    }

    /**
     * The mouse moves. With the bus lock held.
     *
     * @param right counts to the right
     * @param down  counts towards the user
     * @param wheel notches of the wheel towards the user
     */
    public void move(int right, int down, int wheel) {
        dx = Math.clamp((long) dx + right, -FAR, FAR);
        dy = Math.clamp((long) dy - down, -FAR, FAR);
        dz = Math.clamp((long) dz + wheel, -FAR, FAR);
        changed = true;
        stream();
        attend();
    }

    /** Says which buttons are down: {@link #LEFT} and its like, then 8 and 16 for the fourth and fifth. Bus lock held. */
    public void buttons(int down) {
        changed |= buttons != (down & BUTTONS);
        buttons = down & BUTTONS;
        stream();
        attend();
    }

    @Override
    void reset() {
        super.reset();
        setDefaults();
        type = TYPE_PLAIN;
        lastRates = 0;
        wrap = false;
    }

    @Override
    boolean isArgument(int forCommand, int value) {
        return true;
    }

    @Override
    void command(int value) {
        if (wrap && value != RESET_WRAP && value != RESET) {
            reply(value);
            return;
        }
        switch (value) {
            case SCALING_1_1, SCALING_2_1 -> setScaling(value == SCALING_2_1);
            case SET_RESOLUTION, SET_RATE -> expectArgument(value);
            case STATUS -> reply(ACK, status(), resolution, rate);
            case STREAM_MODE, REMOTE_MODE -> setRemote(value == REMOTE_MODE);
            case READ_DATA -> readData();
            case WRAP_MODE, RESET_WRAP -> setWrap(value == WRAP_MODE);
            case READ_TYPE -> reply(ACK, type);
            case ENABLE, DISABLE -> setReporting(value == ENABLE);
            case SET_DEFAULT -> {
                setDefaults();
                reply(ACK);
            }
            case RESEND -> replyLast();
            case RESET -> {
                reset();
                reply(ACK, TEST_PASSED, TYPE_PLAIN);
            }
            default -> reply(RESEND);
        }
    }

    @Override
    void argument(int forCommand, int value) {
        if (forCommand == SET_RESOLUTION) {
            resolution = value & 3;
        } else {
            setRate(value);
        }
        reply(ACK);
    }

    @Override
    void drained() {
        stream();
    }

    @Override
    public void exchangeState(StateIo io) {
        super.exchangeState(io);
        type = io.u8("type", type);
        lastRates = (int) io.bits("lastRates", 24, lastRates);
        rate = io.u8("rate", rate);
        resolution = (int) io.bits("resolution", 2, resolution);
        scaling = io.flag("scaling", scaling);
        reporting = io.flag("reporting", reporting);
        remote = io.flag("remote", remote);
        wrap = io.flag("wrap", wrap);
        buttons = io.u8("buttons", buttons) & BUTTONS;
        dx = io.u32("dx", dx);
        dy = io.u32("dy", dy);
        dz = io.u32("dz", dz);
        changed = io.flag("changed", changed);
    }

    private void setDefaults() {
        rate = 100;
        resolution = 2;
        scaling = false;
        reporting = false;
        remote = false;
        forgetMotion();
    }

    private void forgetMotion() {
        dx = 0;
        dy = 0;
        dz = 0;
        changed = false;
        dropReports();
    }

    private void setRate(int value) {
        rate = value;
        lastRates = (lastRates << 8 | value) & 0xff_ffff;
        if (lastRates == KNOCK_WHEEL) {
            type = TYPE_WHEEL;
        } else if (lastRates == KNOCK_FIVE_BUTTONS && type != TYPE_PLAIN) {
            type = TYPE_FIVE_BUTTONS;
        }
    }

    private void setScaling(boolean on) {
        scaling = on;
        reply(ACK);
    }

    private void setRemote(boolean on) {
        remote = on;
        forgetMotion();
        reply(ACK);
    }

    private void setWrap(boolean on) {
        wrap = on;
        reply(ACK);
    }

    private void setReporting(boolean on) {
        reporting = on;
        forgetMotion();
        reply(ACK);
    }

    private int status() {
        boolean left = (buttons & LEFT) != 0;
        boolean middle = (buttons & MIDDLE) != 0;
        boolean right = (buttons & RIGHT) != 0;
        return (remote ? 0x40 : 0) | (reporting ? 0x20 : 0) | (scaling ? 0x10 : 0)
                | (left ? 4 : 0) | (middle ? 2 : 0) | (right ? 1 : 0);
    }

    private void readData() {
        reply(ACK);
        reply(packet(false));
    }

    /** One report at a time: what happens while it waits goes into the next. */
    private void stream() {
        if (changed && reporting && !remote && !wrap && !reportsPending()) {
            report(packet(scaling));
        }
    }

    /** Takes as much of the motion as fits nine bits: buttons and signs, X, Y, and a wheel byte where the type has one. */
    private int[] packet(boolean scaled) {
        int x = take(dx, -255, 255);
        int y = take(dy, -255, 255);
        int z = type == TYPE_PLAIN ? dz : take(dz, -8, 7);
        dx -= x;
        dy -= y;
        dz -= z;
        changed = dx != 0 || dy != 0 || dz != 0;
        int sx = scaled ? scale(x) : x;
        int sy = scaled ? scale(y) : y;
        int head = 8 | buttons & 7 | (sx < 0 ? 0x10 : 0) | (sy < 0 ? 0x20 : 0);
        return switch (type) {
            case TYPE_WHEEL -> new int[] {head, sx, sy, z};
            case TYPE_FIVE_BUTTONS -> new int[] {head, sx, sy, z & 0xf | (buttons & 0x18) << 1};
            default -> new int[] {head, sx, sy};
        };
    }

    private static int take(int motion, int least, int most) {
        return Math.clamp(motion, least, most);
    }

    private static int scale(int motion) {
        int size = Math.abs(motion);
        int scaled = size < SCALED.length ? SCALED[size] : Math.min(2 * size, 255);
        return motion < 0 ? -scaled : scaled;
    }
}
