package org.jkvm.hypervisor;

/**
 * Why a vCPU came back to user mode: a closed set, handled by one exhaustive switch (KVM_EXIT_* in Linux's kvm.h). Exits
 * that ask for data say what their {@link ExitAnswer} must be.
 */
public sealed interface VmExit {
    /**
     * The guest reads a port, {@code count} times (more than 1 for {@code rep ins}). Answer:
     * {@link ExitAnswer.Value}, or {@link ExitAnswer.Data} of {@code size * count} bytes.
     */
    record PortRead(int port, int size, int count) implements VmExit {
    }

    /** The guest writes a port; {@code data} holds {@code size * count} bytes, little-endian. */
    record PortWrite(int port, int size, int count, byte[] data) implements VmExit {
        /** The single value written, where {@code count} is 1. */
        public long value() {
            long value = 0;
            for (int i = size - 1; i >= 0; i--) {
                value = value << 8 | data[i] & 0xff;
            }
            return value;
        }
    }

    /** The guest reads a physical address that no memory slot backs. Answer: {@link ExitAnswer.Value}. */
    record MmioRead(long address, int size) implements VmExit {
    }

    /** The guest writes a physical address that no writable memory slot backs. */
    record MmioWrite(long address, int size, long value) implements VmExit {
    }

    /** Halted with nothing that could wake it (interrupts off and no NMI to come is still a halt, not this). */
    record Halted() implements VmExit {
    }

    /** Triple fault: the processor has shut down. */
    record Shutdown() implements VmExit {
    }

    /** {@link Vcpu#kick} was called. */
    record Interrupted() implements VmExit {
    }

    /**
     * A debugger's breakpoint or single step, not the guest's; the instruction at linear {@code address} comes next.
     *
     * @param hits the breakpoints that were hit, a bit each; 0 for a single step
     */
    record Debug(long address, int hits) implements VmExit {
    }

    /** Guest mode could not be entered: the state is not valid. */
    record FailedEntry(String reason) implements VmExit {
    }

    /**
     * The backend met an instruction that it can't execute, though a processor could: RIP is at it, nothing of it has been
     * done. Another backend may execute it with this one's state.
     *
     * @param code the instruction's bytes and what follows, 0 to 15
     */
    record NotEmulated(byte[] code) implements VmExit {
    }

    /** The backend could not go on: its bug or ours. */
    record InternalError(String reason) implements VmExit {
    }
}
