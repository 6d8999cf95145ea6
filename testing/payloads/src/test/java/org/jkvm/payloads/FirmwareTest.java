package org.jkvm.payloads;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.ReentrantLock;
import org.jkvm.base.time.SystemClock;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.MemorySlot;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.X86Vcpu;
import org.jkvm.linux.SharedMemory;
import org.junit.jupiter.api.Test;

/**
 * SeaBIOS, as Debian's package has it, in lock-step from the reset vector until it finds nothing to boot, with next to no devices:
 * real mode and 32-bit code by turns, interrupts of its own included. Most of the time it waits for disks.
 */
class FirmwareTest {
    private static final Path SEABIOS = Path.of("/usr/share/seabios/bios.bin");
    private static final int RAM = 16 << 20;
    private static final int BELOW_1M = 0x2_0000;
    private static final int MIB = 1 << 20;
    private static final long FOUR_GIB = 1L << 32;
    /** Where SeaBIOS tells what it does; reading gives what says that somebody listens. */
    private static final int LOG_PORT = 0x402;
    private static final int LOG_PRESENT = 0xe9;
    private static final int CMOS_INDEX = 0x70;
    private static final int CMOS_DATA = 0x71;
    private static final int CMOS_STATUS_A = 0x0a;
    private static final int CMOS_MEMORY_HIGH = 0x31;
    private static final int KEYBOARD_STATUS = 0x64;
    private static final String LAST = "No bootable device.";
    private static final long GIVE_UP_NANOS = 100_000_000_000L;

    private final StringBuilder said = new StringBuilder();
    private int cmosIndex;
    private int reads;

    @Test
    void seaBiosFindsNothingToBoot() throws IOException {
        TestBackend backend = TestBackend.LOCK_STEP;
        backend.assumePresent();
        assumeTrue(Files.isReadable(SEABIOS), "the package seabios is not installed");
        MemorySegment image = MemorySegment.ofArray(Files.readAllBytes(SEABIOS));
        SystemClock clock = new SystemClock(new ReentrantLock());
        try (SharedMemory ram = SharedMemory.allocate("ram", RAM);
                SharedMemory rom = SharedMemory.allocate("rom", image.byteSize());
                VirtualMachine vm = backend.hypervisor().createVirtualMachine(new VmConfig(1, clock))) {
            rom.segment().copyFrom(image);
            long low = Math.min(BELOW_1M, image.byteSize());
            MemorySegment.copy(image, image.byteSize() - low, ram.segment(), MIB - low, low);
            vm.setMemorySlot(new MemorySlot(0, 0, ram.segment(), false, false));
            vm.setMemorySlot(new MemorySlot(1, FOUR_GIB - image.byteSize(), rom.segment(), true, false));
            X86Vcpu vcpu = vm.createVcpu(0, backend.models().parse("max", 1, 1));
            clock.timer("give up", vcpu::kick).arm(clock.nanos() + GIVE_UP_NANOS);
            run(vcpu);
            assertThat(said).contains("Booting from Hard Disk...", LAST);
            assertThat(ram.segment().get(ValueLayout.JAVA_SHORT_UNALIGNED, 0x413)).as("kilobytes below the EBDA").isEqualTo((short) 639);
        } finally {
            clock.close();
        }
    }

    private void run(X86Vcpu vcpu) {
        ExitAnswer answer = ExitAnswer.NONE;
        while (said.indexOf(LAST) < 0) {
            switch (vcpu.run(answer)) {
                case VmExit.PortWrite w -> {
                    write(w.port(), (int) w.value() & 0xff);
                    answer = ExitAnswer.NONE;
                }
                case VmExit.PortRead r -> answer = new ExitAnswer.Value(read(r.port()) & -1L >>> Long.SIZE - 8 * r.size());
                case VmExit.MmioRead r -> answer = new ExitAnswer.Value(-1L >>> Long.SIZE - 8 * r.size());
                case VmExit.MmioWrite w -> answer = ExitAnswer.NONE;
                case VmExit other -> {
                    said.append("ended by ").append(other);
                    return;
                }
            }
        }
    }

    private void write(int port, int value) {
        if (port == LOG_PORT) {
            said.append((char) value);
        } else if (port == CMOS_INDEX) {
            cmosIndex = value & 0x7f;
        }
    }

    /** What is not there reads as all ones. */
    private long read(int port) {
        return switch (port) {
            case LOG_PORT -> LOG_PRESENT;
            case CMOS_DATA -> cmos();
            case KEYBOARD_STATUS -> 0;
            default -> -1;
        };
    }

    /** 15 MiB above the first, and a clock that is updating every other time. */
    private int cmos() {
        return switch (cmosIndex) {
            case CMOS_MEMORY_HIGH -> 15 << 10 >> 8;
            case CMOS_STATUS_A -> (reads++ & 1) << 7;
            default -> 0;
        };
    }
}
