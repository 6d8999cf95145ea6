package org.jkvm.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.NotEmpty;
import org.jkvm.base.UserException;
import org.junit.jupiter.api.Test;

/** Option arguments as QEMU's users write them. */
class OptionListTest {
    @Test
    void splitsKeysAndValues() {
        OptionList list = OptionList.parse("-drive", "file=a=b.img,if=virtio,readonly", null);
        assertThat(list.required("file")).isEqualTo("a=b.img");
        assertThat(list.required("if")).isEqualTo("virtio");
        assertThat(list.flag("readonly", false)).isTrue();
        list.end();
    }

    @Property
    void doubledCommaIsAComma(@ForAll @NotEmpty String name) {
        OptionList list = OptionList.parse("-drive", "file=" + name.replace(",", ",,") + ",id=x", null);
        assertThat(list.required("file")).isEqualTo(name);
        assertThat(list.required("id")).isEqualTo("x");
    }

    @Test
    void firstWordHasAKeyOfItsOwn() {
        assertThat(OptionList.parse("-m", "384", "size").size("size", 0, 'm')).isEqualTo(384L << 20);
        assertThat(OptionList.parse("-m", "size=1G", "size").size("size", 0, 'm')).isEqualTo(1L << 30);
    }

    @Test
    void wordsThatBeginWithNoSwitchOff() {
        assertThat(OptionList.parse("-serial", "server,nowait", null).flag("wait", true)).isFalse();
    }

    @Test
    void refusesWhatNobodyReadWithTheNearestName() {
        OptionList list = OptionList.parse("-drive", "fille=x", null);
        list.string("file");
        list.string("format");
        assertThatThrownBy(list::end).isInstanceOf(UserException.class)
                .hasMessage("-drive fille=x: no property 'fille'; did you mean 'file'?")
                .extracting("exitStatus").isEqualTo(UserException.USAGE);
    }

    @Test
    void refusesNumbersOutOfRange() {
        assertThatThrownBy(() -> OptionList.parse("-smp", "cpus=0", "cpus").number("cpus", 1, 1, 255))
                .hasMessage("-smp cpus=0: 'cpus' is a number from 1 to 255, not '0'");
        assertThatThrownBy(() -> OptionList.parse("-smp", "two", "cpus").number("cpus", 1, 1, 255))
                .hasMessage("-smp two: 'cpus' is a number from 1 to 255, not 'two'");
    }

    @Test
    void refusesSwitchesThatAreNeitherOnNorOff() {
        assertThatThrownBy(() -> OptionList.parse("-drive", "readonly=maybe", null).flag("readonly", false))
                .hasMessage("-drive readonly=maybe: 'readonly' is on or off, not 'maybe'");
    }
}
