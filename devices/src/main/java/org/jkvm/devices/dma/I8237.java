package org.jkvm.devices.dma;

import java.util.List;
import org.jkvm.base.IoHandler;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;
import org.jkvm.devices.Device;

/**
 * Intel 8237A, the PC's DMA controller (datasheet 231466, "Register description"). Its registers are all here; no device
 * of ours requests a transfer, so none is made: a software request stays pending, terminal count is never reached.
 */
public final class I8237 implements Device {
    private static final int CHANNELS = 4;

    private final RegisterFile file = new RegisterFile("i8237").summary("DMA controller")
            .source("Intel 8237A (231466), register description");
    private final Channel[] channels = new Channel[CHANNELS];
    private final Register command;
    private final Register requests;
    private final Register mask;
    private boolean highByte;

    /** One channel's 16-bit registers, written and read by halves. */
    private static final class Channel implements Stateful {
        private int baseAddress;
        private int baseCount;
        private int currentAddress;
        private int currentCount;
        private int mode;

        @Override
        public void exchangeState(StateIo io) {
            baseAddress = io.u16("baseAddress", baseAddress);
            baseCount = io.u16("baseCount", baseCount);
            currentAddress = io.u16("currentAddress", currentAddress);
            currentCount = io.u16("currentCount", currentCount);
            mode = io.u8("mode", mode);
        }
    }

    /**
     * Makes the chip.
     *
     * @param stride distance of its registers in bytes: 1 on a PC's first controller, 2 on its second, which hangs on
     *               the address bus one bit higher
     */
    public I8237(int stride) {
        for (int i = 0; i < CHANNELS; i++) {
            channels[i] = new Channel();
            declareChannel(i, stride);
        }
        file.register("STATUS", 8 * stride, 8).readSide().notSaved().onRead(this::status)
                .field("TC", 3, 0, "Terminal count reached: never").field("REQ", 7, 4, "Request pending").summary("Status");
        command = file.register("COMMAND", 8 * stride, 8).writeSide()
                .unmodelled("COMMAND", 7, 0, "Timing, priority, memory to memory").summary("Command");
        requests = file.register("REQUEST", 9 * stride, 8).writeSide().writable(0).onWrite(this::request)
                .field("SEL", 1, 0, "Channel").bit("SET", 2, "Set the request, or reset it").summary("Software request");
        mask = declareMask(stride);
        file.register("MODE", 0x0b * stride, 8).writeSide().notSaved().onWrite(v -> channels[(int) v & 3].mode = (int) v)
                .field("SEL", 1, 0, "Channel").field("TRANSFER", 3, 2, "Verify, write or read")
                .bit("AUTO", 4, "Autoinitialize").bit("DEC", 5, "Address counts down")
                .field("MODE", 7, 6, "Demand, single, block, cascade").summary("Mode");
        file.register("CLEAR_FF", 0x0c * stride, 8).writeSide().notSaved().onWrite(v -> highByte = false)
                .summary("Next halves are low");
        file.register("TEMPORARY", 0x0d * stride, 8).readSide().notSaved()
                .summary("Last byte of a memory to memory transfer");
        file.register("MASTER_CLEAR", 0x0d * stride, 8).writeSide().notSaved().onWrite(v -> clear()).summary("Reset");
        file.register("CLEAR_MASK", 0x0e * stride, 8).writeSide().notSaved().onWrite(v -> mask.set(0))
                .summary("Enables all channels");
        file.register("ALL_MASK", 0x0f * stride, 8).notSaved().onRead(() -> mask.get() | 0xf0)
                .onWrite(v -> mask.set(v & 0x0f)).field("MASK", 3, 0, "A bit a channel").summary("Mask of all channels");
    }

    private Register declareMask(int stride) {
        Register[] r = new Register[1];
        r[0] = file.register("MASK", 0x0a * stride, 8).writeSide().writable(0).reset(0x0f)
                .onWrite(v -> r[0].setBit((int) v & 3, (v & 4) != 0))
                .field("SEL", 1, 0, "Channel").bit("SET", 2, "Set the mask, or clear it").summary("Mask of one channel");
        return r[0];
    }

    private void declareChannel(int i, int stride) {
        Channel c = channels[i];
        file.register("CH" + i + "_ADDRESS", 2 * i * stride, 8).notSaved()
                .onRead(() -> half(c.currentAddress))
                .onWrite(v -> c.baseAddress = c.currentAddress = withHalf(c.baseAddress, v))
                .summary("Base and current address, low half first");
        file.register("CH" + i + "_COUNT", (2 * i + 1) * stride, 8).notSaved()
                .onRead(() -> half(c.currentCount))
                .onWrite(v -> c.baseCount = c.currentCount = withHalf(c.baseCount, v))
                .summary("Base and current word count, low half first");
    }

    @Override
    public String name() {
        return "i8237";
    }

    @Override
    public List<RegisterFile> registerFiles() {
        return List.of(file);
    }

    /** The window: 16 registers, {@code stride} bytes apart. */
    public IoHandler window() {
        return file;
    }

    @Override
    public void reset() {
        clear();
    }

    @Override
    public void exchangeState(StateIo io) {
        io.part("registers", file);
        for (int i = 0; i < CHANNELS; i++) {
            io.part("channel" + i, channels[i]);
        }
        highByte = io.flag("highByte", highByte);
    }

    /** Master clear: command, status, request and flip-flop are cleared and all channels masked; the rest stays. */
    private void clear() {
        command.set(0);
        requests.set(0);
        mask.set(0x0f);
        highByte = false;
    }

    private long status() {
        return requests.get() << 4;
    }

    private void request(long value) {
        requests.setBit((int) value & 3, (value & 4) != 0);
    }

    private int half(int value) {
        boolean high = highByte;
        highByte = !high;
        return high ? value >> 8 : value & 0xff;
    }

    private int withHalf(int value, long written) {
        boolean high = highByte;
        highByte = !high;
        return (int) (high ? value & 0xff | written << 8 : value & 0xff00 | written);
    }
}
