package org.jkvm.app.img;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.jkvm.base.UserException;
import org.junit.jupiter.api.Test;

class WordsTest {
    private static final Syntax SYNTAX = Syntax.of("try", "FILE", "Tries.")
            .value("-f", "FORMAT", "A format.")
            .flag("-p --progress", "Progress.")
            .flag("-q", "Quiet.")
            .value("--output", "FORM", "A form.")
            .value("-o", "NAME=VALUE", "Options.");

    private static Words read(String line) {
        return Words.read(SYNTAX, List.of(line.split(" ")));
    }

    @Test
    void readsArgumentsInEveryForm() {
        for (String line : List.of("-f raw x", "-fraw x", "x -f raw", "-f qcow2 -f raw x", "-pqf raw x", "-pfraw x")) {
            assertThat(read(line).get("-f")).as(line).isEqualTo("raw");
            assertThat(read(line).operands()).as(line).containsExactly("x");
        }
        assertThat(read("--output=json").get("--output")).isEqualTo("json");
        assertThat(read("--output json").get("--output")).isEqualTo("json");
        assertThat(read("--output=").get("--output")).isEmpty();
        assertThat(read("-o a=1 -o b=2").all("-o")).containsExactly("a=1", "b=2");
    }

    @Test
    void readsFlagsByAnyName() {
        assertThat(read("--progress x").has("-p")).isTrue();
        assertThat(read("-pq x").keys()).containsExactly("-p", "-q");
        assertThat(read("x").has("-p")).isFalse();
    }

    @Test
    void takesDashesForOperandsWhereTheyAre() {
        assertThat(read("x -1G").operands()).containsExactly("x", "-1G");
        assertThat(read("-p -- -q").operands()).containsExactly("-q");
        assertThat(read("-").operands()).containsExactly("-");
    }

    @Test
    void refusesWhatItDoesNotKnow() {
        for (String line : List.of("-z", "-pz", "--outptu=json", "-f", "--output", "--progress=yes", "--p")) {
            assertThatThrownBy(() -> read(line)).as(line).isInstanceOf(UserException.class).hasMessageContaining("-");
        }
        assertThatThrownBy(() -> read("--outptu=json")).hasMessageContaining("did you mean '--output'");
    }
}
