package org.jkvm.machine.run;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jkvm.hypervisor.x86.X86Vcpu;

/** What is left behind of a machine that a bug of ours stopped. No vCPU runs. */
final class Dump {
    private Dump() {
    }

    /** Writes a dump file; returns where it is, or why it could not be written. Never fails. */
    static String write(Path folder, Board board, String what, Throwable bug) {
        String text = what + "\n" + stackTrace(bug) + "\n" + registers(board) + "\n" + described(board);
        try {
            String name = board.name().replaceAll("[^A-Za-z0-9.-]", "_");
            Path file = Files.createTempFile(folder, "jkvm-" + name + "-", ".dump");
            Files.writeString(file, text);
            return "the machine's state is in " + file;
        } catch (IOException e) {
            return "no dump could be written to " + folder + ": " + e.getMessage();
        }
    }

    /** The registers of every processor. */
    static String registers(Board board) {
        StringBuilder text = new StringBuilder();
        for (X86Vcpu vcpu : board.vcpus()) {
            text.append("CPU#").append(vcpu.index()).append(": ").append(vcpu.instructions()).append(" instructions\n");
            text.append(registers(vcpu));
        }
        return text.toString();
    }

    private static String registers(X86Vcpu vcpu) {
        try {
            return RegisterText.of(vcpu.readState());
        } catch (RuntimeException e) {
            return "registers can't be read: " + e + "\n";
        }
    }

    private static String described(Board board) {
        try {
            return board.describe();
        } catch (RuntimeException e) {
            return "the board can't be described: " + e + "\n";
        }
    }

    private static String stackTrace(Throwable bug) {
        StringWriter text = new StringWriter();
        if (bug != null) {
            bug.printStackTrace(new PrintWriter(text, true));
        }
        return text.toString();
    }
}
