package org.jkvm.app.monitor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Keys of a terminal. */
class LineEditorTest {
    private final StringBuilder screen = new StringBuilder();
    private final LineEditor editor = new LineEditor("> ", screen::append, start -> List.of("stop", "status", "quit"));

    @ParameterizedTest
    @CsvSource({"abc, abc", "ab\u007fc, ac", "ab\u0008c, ac", "abc\u001b[Dx, abxc", "abc\u0001x, xabc", "abc\u0001\u0005x, abcx",
            "abc\u0015x, x", "ab cd\u0017x, ab x", "abc\u0001\u0006\u000bx, ax", "abc\u001b[1~\u001b[3~x, xbc",
            "'abc\u001bOH\u0004', bc", "'q\t', 'quit '", "a\u001b[15~b, ab", "\u007f\u001b[Da, a"})
    void edits(String keys, String line) {
        assertThat(type(keys + "\r")).isEqualTo(line);
    }

    @Test
    void carriageReturnAndLineFeedAreOneEnd() {
        assertThat(type("a\r")).isEqualTo("a");
        assertThat(editor.key('\n')).isNull();
        assertThat(type("b\n")).isEqualTo("b");
    }

    @Test
    void recallsHistory() {
        type("first\r");
        type("second\r");
        assertThat(type("\u001b[A\u001b[A\r")).isEqualTo("first");
        assertThat(type("\u001b[A\u001b[B\r")).isEmpty();
    }

    @Test
    void offersWhatFits() {
        type("st\t");
        assertThat(screen).contains("\r\nstop  status\r\n");
    }

    @Test
    void echoesWhatIsTyped() {
        editor.show();
        type("ab");
        assertThat(screen).hasToString("\r> \u001b[Kab");
    }

    private String type(String keys) {
        String line = null;
        for (char key : keys.toCharArray()) {
            line = editor.key(key);
        }
        return line;
    }
}
