package org.jkvm.app.monitor;

import static org.assertj.core.api.Assertions.assertThat;

import org.jkvm.hypervisor.x86.X86State;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The monitor's commands; layouts as QEMU's monitor shows them. */
class CommandsTest {
    private final FakeMachine machine = new FakeMachine();
    private final Commands commands = new Commands(machine, "version 1");

    @ParameterizedTest
    @CsvSource({"stop, stop", "s, stop", "cont, cont", "c, cont", "system_reset, reset", "system_powerdown, powerdown",
            "nmi, nmi", "quit, quit", "q, quit"})
    void tellsTheMachine(String line, String told) {
        assertThat(commands.run(line)).isEmpty();
        assertThat(machine.told).containsExactly(told);
    }

    @ParameterizedTest
    @CsvSource({"info status, VM status: running", "info name, guest", "info version, version 1", "info jit, 7 instructions"})
    void informs(String line, String answer) {
        assertThat(commands.run(line)).isEqualTo(answer + "\n");
    }

    @Test
    void refusesByNameWithTheNearest() {
        assertThat(commands.run("stpo")).isEqualTo("unknown command: 'stpo'; did you mean 'stop'?\n");
        assertThat(commands.run("info statsu")).isEqualTo("unknown command: 'info statsu'; did you mean 'status'?\n");
        assertThat(commands.run("  ")).isEmpty();
    }

    @Test
    void showsPhysicalMemory() {
        machine.memory.writeInt(0x1000, 8, 0x00fc_0039_392f_3332L);
        assertThat(commands.run("xp /2xw 0x1000")).isEqualTo("0000000000001000: 0x392f3332 0x00fc0039\n");
        assertThat(commands.run("xp/1gx 0x1000")).isEqualTo("0000000000001000: 0x00fc0039392f3332\n");
        assertThat(commands.run("xp /4c 0x1000")).isEqualTo("0000000000001000: '2' '3' '/' '9'\n");
        assertThat(commands.run("xp /4uh 0x1000")).isEqualTo("0000000000001000: 13106 14639    57   252\n");
        assertThat(commands.run("xp /1db 0x1006")).isEqualTo("0000000000001006:  -4\n");
        assertThat(commands.run("xp /5xw 0x1000").lines().skip(1)).containsExactly("0000000000001010: 0x00000000");
    }

    @Test
    void aLineOfBytesHasEight() {
        assertThat(commands.run("xp /9xb 0x1000").lines()).containsExactly(
                "0000000000001000: 0x00 0x00 0x00 0x00 0x00 0x00 0x00 0x00", "0000000000001008: 0x00");
    }

    @Test
    void showsLinearMemoryAndSaysWhereThereIsNone() {
        machine.memory.writeInt(0x10, 4, 0x12345678);
        assertThat(commands.run("x /1xw 0x1000010")).isEqualTo("0000000001000010: 0x12345678\n");
        assertThat(commands.run("x /1xw 0")).isEqualTo("0000000000000000: Cannot access memory\n");
        assertThat(commands.run("xp /1xw 0xffffffff0")).isEqualTo("0000000ffffffff0: Cannot access memory\n");
    }

    @Test
    void disassemblesInTheModeOfTheCodeSegment() {
        machine.memory.writeInt(0x20, 4, 0x4433_2211);
        assertThat(commands.run("xp /2i 0x20")).isEqualTo("""
                0x00000020:  11 22                         op16 $0x11
                0x00000022:  33 44                         op16 $0x33
                """);
        machine.state.segments[1] = new X86State.Segment(8, 0, -1, 0xc09b);
        assertThat(commands.run("xp /1i 0x20")).contains("op32");
    }

    @Test
    void evaluatesExpressions() {
        machine.state.rip = 0x100;
        machine.state.general[4] = 0x20;
        assertThat(commands.run("print $rip+2*(3-1)-$rsp")).isEqualTo("0xe4\n");
        assertThat(commands.run("p -1")).isEqualTo("0xffffffffffffffff\n");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "x /4q 0        | invalid char in format: 'q'",
        "x              | address expected",
        "x /4xw         | address expected",
        "xp /99999999 0 | at most 65536 items at once",
        "print $foo     | unknown register",
        "print 1+       | number expected",
        "print 1)       | unexpected ')' in expression",
        "print (1       | ')' expected",
        "print zz       | 'zz' is not a number",
        "cpu 2          | there are vCPUs 0 to 1",
    })
    void refusesBadArguments(String line, String message) {
        assertThat(commands.run(line)).startsWith(message + "\nTry \"help ");
    }

    @Test
    void showsRegisters() {
        machine.state.rip = 0xfff0;
        machine.state.segments[1] = new X86State.Segment(0xf000, 0xffff0000L, 0xffff, 0x9b);
        machine.state.general[2] = 0x60fb1;
        assertThat(commands.run("info registers")).contains("CPU#0", "EAX=00000000 EBX=00000000 ECX=00000000 EDX=00060fb1",
                "EIP=0000fff0 EFL=00000002 [-------] CPL=0 II=0 HLT=0", "CS =f000 ffff0000 0000ffff 00009b00");
    }

    @Test
    void completes() {
        assertThat(commands.candidates("info ")).contains("registers", "jit", "status");
        assertThat(commands.candidates("sy")).contains("system_reset", "system_powerdown");
    }
}
