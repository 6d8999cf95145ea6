package org.jkvm.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The command line as QEMU's users write it. */
class ArgumentsTest {
    @Test
    void takesLongNamesWithOneDash() {
        Arguments given = Arguments.parse("-m", "384", "-nographic", "-serial", "mon:stdio", "-d", "exec,int", "-D", "log");
        assertThat(given.last(Option.M)).hasValue("384");
        assertThat(given.has(Option.NOGRAPHIC)).isTrue();
        assertThat(given.last(Option.SERIAL)).hasValue("mon:stdio");
        assertThat(given.last(Option.D)).hasValue("exec,int");
        assertThat(given.last(Option.D_FILE)).hasValue("log");
        assertThat(given.has(Option.NO_REBOOT)).isFalse();
    }

    @Test
    void takesTwoDashes() {
        assertThat(Arguments.parse("--smp", "2").last(Option.SMP)).hasValue("2");
    }

    @Test
    void anArgumentIsTheNextWordWhateverItLooksLike() {
        Arguments given = Arguments.parse("-append", "-m", "-kernel", "@file", "-hda", "\"x y\"", "-name", "${sys:user.name}");
        assertThat(given.last(Option.APPEND)).hasValue("-m");
        assertThat(given.last(Option.KERNEL)).hasValue("@file");
        assertThat(given.last(Option.HDA)).hasValue("\"x y\"");
        assertThat(given.last(Option.NAME)).hasValue("${sys:user.name}");
    }

    @Test
    void keepsRepeatedOptionsInOrder() {
        Arguments given = Arguments.parse("-drive", "file=a,,b", "disk", "-drive", "file=c");
        assertThat(given.all(Option.DRIVE)).containsExactly("file=a,,b", "file=c");
        assertThat(given.disks()).containsExactly("disk");
    }

    @Test
    void behindTwoDashesAreOnlyDisks() {
        Arguments given = Arguments.parse("-m", "64", "--", "-m", "-x.img");
        assertThat(given.all(Option.M)).containsExactly("64");
        assertThat(given.disks()).containsExactly("-m", "-x.img");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "-kernal       | -kernal: invalid option; did you mean -kernel?",
        "-foobar       | -foobar: invalid option (kvm -help lists them)",
        "-m384         | -m384: invalid option (kvm -help lists them)",
        "-nographic=on | -nographic=on: invalid option; did you mean -nographic?",
        "-m            | -m: requires an argument",
        "-cdrom        | -cdrom: there is no CD-ROM drive yet",
        "--vnc         | -vnc: there is no display yet",
    })
    void refusesByName(String word, String message) {
        assertThatThrownBy(() -> Arguments.parse(word)).hasMessage(message).extracting("exitStatus").isEqualTo(2);
    }

    @ParameterizedTest
    @EnumSource(Option.class)
    void theManualPageHasEveryOption(Option option) {
        assertThat(ManPage.text().contains("    " + option.label())).isEqualTo(option.shown());
    }

    @Test
    void theManualPageFitsATerminal() {
        assertThat(ManPage.text().lines()).allMatch(line -> line.length() <= 80);
    }
}
