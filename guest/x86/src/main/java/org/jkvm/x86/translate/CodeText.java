package org.jkvm.x86.translate;

import java.lang.foreign.ValueLayout;
import org.jkvm.linux.RawMemory;
import org.jkvm.x64.CodeCache;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.disasm.Disassembler;
import org.jkvm.x86.exec.Block;
import org.jkvm.x86.exec.CodeMode;

/** Code as text: a guest's block, and what it was translated to. On the vCPU's thread. */
final class CodeText {
    private static final int PAGE = 4096;

    private final X86Cpu cpu;
    private final CodeCache cache;

    CodeText(X86Cpu cpu, CodeCache cache) {
        this.cpu = cpu;
        this.cache = cache;
    }

    /** The guest's instructions, one a line, as memory has them now. */
    String guest(Block block) {
        long host = cpu.bus.hostPage(block.physical & -PAGE);
        int inPage = (int) Math.min(block.length, PAGE - (block.physical & PAGE - 1));
        if (host == 0) {
            return "guest code at %x is not in RAM%n".formatted(block.linear);
        }
        // SAFETY: no byte is beyond the page, whose host page the bus gave.
        byte[] bytes = bytes(host + (block.physical & PAGE - 1), inPage);
        return listing("guest code", bytes, block.linear, new CodeMode(block.mode).codeBits());
    }

    /** The host's instructions, one a line. */
    String host(Translation t) {
        if (!cache.contains(t.start) || !cache.contains(t.start + t.size - 1)) {
            return "";
        }
        return listing("host code", cache.read(t.start, t.size), t.start, 64);
    }

    private static byte[] bytes(long address, int size) {
        return RawMemory.segment(address, size).toArray(ValueLayout.JAVA_BYTE);
    }

    private static String listing(String title, byte[] code, long address, int bits) {
        StringBuilder text = new StringBuilder("%s at %x, %d bytes%n".formatted(title, address, code.length));
        for (Disassembler.Line line : new Disassembler(bits).listing(code, address, Integer.MAX_VALUE)) {
            text.append("  %x: %s%n".formatted(line.address(), line.text()));
        }
        return text.toString();
    }
}
