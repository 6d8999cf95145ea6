package org.jkvm.app.monitor;

import java.util.Arrays;
import java.util.HexFormat;
import org.jkvm.base.GuestMemory;
import org.jkvm.hypervisor.x86.X86State;

/** Shows guest memory: physical, or linear as a vCPU sees it. */
final class MemoryView {
    private static final int LINE = 16;
    private static final int MAX_INSTRUCTION = 15;
    private static final int PAGE = 4096;

    private final MonitorMachine machine;
    private final int vcpu;
    private final boolean linear;

    MemoryView(MonitorMachine machine, int vcpu, boolean linear) {
        this.machine = machine;
        this.vcpu = vcpu;
        this.linear = linear;
    }

    /** The items from {@code address} on; ends with a line that says so where there is no memory. */
    String show(MemoryFormat format, long address) {
        return format.format() == 'i' ? instructions(format.count(), address) : items(format, address);
    }

    private String items(MemoryFormat format, long address) {
        StringBuilder text = new StringBuilder();
        int inLine = format.format() == 'c' || format.size() == 1 ? LINE / 2 : LINE / format.size();
        for (int i = 0; i < format.count(); i++) {
            long at = address + (long) i * format.size();
            byte[] bytes = read(at, format.size());
            if (i % inLine == 0) {
                text.append(i == 0 ? "" : "\n").append(MemoryFormat.hex(at, 16)).append(':');
            }
            if (bytes.length < format.size()) {
                return text + " Cannot access memory\n";
            }
            text.append(' ').append(format.item(little(bytes)));
        }
        return text.append('\n').toString();
    }

    private String instructions(int count, long address) {
        StringBuilder text = new StringBuilder();
        int bits = bits(machine.registers(vcpu));
        long at = address;
        for (int i = 0; i < count; i++) {
            byte[] code = read(at, MAX_INSTRUCTION);
            if (code.length == 0) {
                return text.append("0x").append(MemoryFormat.hex(at, 8)).append(": Cannot access memory\n").toString();
            }
            MonitorMachine.Disassembler.Instruction instruction = machine.disassembler().at(at, code, bits);
            text.append("0x%s:  %-30s%s\n".formatted(MemoryFormat.hex(at, bits == 64 ? 16 : 8), HexFormat.ofDelimiter(" ")
                    .formatHex(code, 0, Math.min(instruction.length(), code.length)), instruction.text()));
            at += instruction.length();
        }
        return text.toString();
    }

    /** The mode that code runs in: CS.L with EFER.LMA, else CS.D (SDM vol. 3A, section 3.4.5). */
    static int bits(X86State state) {
        boolean longMode = (state.msrs.getOrDefault(0xc0000080, 0L) & 1 << 10) != 0;
        int flags = state.segments[1].access() >> 12;
        if (longMode && (flags & 2) != 0) {
            return 64;
        }
        return (flags & 4) != 0 ? 32 : 16;
    }

    /** As many of {@code length} bytes as there is memory for, page by page. */
    private byte[] read(long address, int length) {
        byte[] bytes = new byte[length];
        int done = 0;
        while (done < length) {
            long at = address + done;
            int n = (int) Math.min(length - done, PAGE - (at & PAGE - 1));
            long physical = linear ? machine.translate(vcpu, at) : at;
            if (linear && physical == -1 || !copy(physical, bytes, done, n)) {
                return Arrays.copyOf(bytes, done);
            }
            done += n;
        }
        return bytes;
    }

    private boolean copy(long physical, byte[] bytes, int offset, int length) {
        try {
            machine.memory().read(physical, bytes, offset, length);
            return true;
        } catch (GuestMemory.BadAddress e) {
            return false;
        }
    }

    private static long little(byte[] bytes) {
        long value = 0;
        for (int i = bytes.length - 1; i >= 0; i--) {
            value = value << 8 | bytes[i] & 0xff;
        }
        return value;
    }
}
