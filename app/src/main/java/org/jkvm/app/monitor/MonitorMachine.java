package org.jkvm.app.monitor;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jkvm.base.GuestMemory;
import org.jkvm.hypervisor.x86.X86State;

/** What the monitor asks of a running machine. Its methods may be called from any thread. */
public interface MonitorMachine {
    /** The guest's name; empty where it has none. */
    String name();

    /** "running", or "paused" with the reason in brackets. */
    String status();

    /** Stops the vCPUs. */
    void stop();

    /** Lets the vCPUs run. */
    void cont();

    /** Resets the machine. */
    void systemReset();

    /** Presses the power button. */
    void systemPowerdown();

    /** Raises a non-maskable interrupt on every vCPU. */
    void nmi();

    /** Ends the machine and the process. */
    void quit();

    /** How many vCPUs there are. */
    int vcpus();

    /** The registers of a vCPU; it is held while they are read. */
    X86State registers(int vcpu);

    /** The guest physical address behind a linear one, or -1. */
    long translate(int vcpu, long linear);

    /** Guest physical memory. */
    GuestMemory memory();

    /** What {@code info} can tell about this machine, beyond what the monitor knows itself. */
    List<Topic> topics();

    /** The commands of this machine, beyond what the monitor knows itself. */
    List<Action> commands();

    /** The disassembler. */
    Disassembler disassembler();

    /**
     * A command.
     *
     * @param names     what it is called, with "|" between
     * @param arguments what follows, for its help
     * @param help      one line
     * @param run       does it; what is wrong is a {@link MonitorException} or a {@link org.jkvm.base.UserException}
     */
    record Action(String names, String arguments, String help, Function<String, String> run) {
        /** Whether {@code name} is one of its names. */
        boolean is(String name) {
            return Arrays.asList(names.split("\\|")).contains(name);
        }

        String line() {
            return names + (arguments.isEmpty() ? "" : " " + arguments) + "  -- " + help + "\n";
        }
    }

    /**
     * A subject of {@code info}.
     *
     * @param name what follows {@code info}
     * @param help one line
     * @param text makes the answer, lines ending in "\n"
     */
    record Topic(String name, String help, Supplier<String> text) {
    }

    /** Reads machine code. */
    @FunctionalInterface
    interface Disassembler {
        /**
         * The instruction at the beginning of {@code code}.
         *
         * @param bits 16, 32 or 64: the mode that the code is for
         */
        Instruction at(long address, byte[] code, int bits);

        /** An instruction's length in bytes, 1 or more, and its text. */
        record Instruction(int length, String text) {
        }
    }
}
