package org.jkvm.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Character devices as QEMU's users write them. */
class ChardevSyntaxTest {
    @Test
    void readsShortForms() {
        assertThat(ChardevSyntax.shortForm("-serial", "stdio", true)).isEqualTo(new ChardevSpec.Stdio(true));
        assertThat(ChardevSyntax.shortForm("-serial", "none", true)).isEqualTo(new ChardevSpec.Null());
        assertThat(ChardevSyntax.shortForm("-serial", "file:a,b", true))
                .isEqualTo(new ChardevSpec.File(Path.of("a,b"), false));
        assertThat(ChardevSyntax.shortForm("-serial", "unix:/tmp/s,server,nowait", true))
                .isEqualTo(new ChardevSpec.Server(UnixDomainSocketAddress.of("/tmp/s"), false));
        assertThat(ChardevSyntax.shortForm("-serial", "tcp:127.0.0.1:4555,reconnect=2", true))
                .isEqualTo(new ChardevSpec.Client(new InetSocketAddress("127.0.0.1", 4555), 2));
        assertThat(ChardevSyntax.shortForm("-serial", "tcp::4555,server=on", true))
                .isEqualTo(new ChardevSpec.Server(new InetSocketAddress(4555), true));
    }

    @Test
    void readsChardevs() {
        assertThat(ChardevSyntax.chardev("file,id=log,path=a,,b,append=on"))
                .isEqualTo(new ChardevSpec.Named("log", new ChardevSpec.File(Path.of("a,b"), true), false));
        assertThat(ChardevSyntax.chardev("stdio,id=c,mux=on,signal=off"))
                .isEqualTo(new ChardevSpec.Named("c", new ChardevSpec.Stdio(false), true));
        assertThat(ChardevSyntax.chardev("socket,id=s,path=/tmp/s,server=on,wait=off"))
                .isEqualTo(new ChardevSpec.Named("s", new ChardevSpec.Server(UnixDomainSocketAddress.of("/tmp/s"), false),
                        false));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "stdio                    | -chardev stdio: needs id=",
        "stdoi,id=x               | -chardev stdoi,id=x: 'stdoi' is not a character device; there are stdio, file, socket, "
            + "pty, null; did you mean 'stdio'?",
        "file,id=x                | -chardev file,id=x: needs path=",
        "socket,id=x,host=h       | -chardev socket,id=x,host=h: needs port=",
        "null,id=x,paht=y         | -chardev null,id=x,paht=y: no property 'paht' (there are: backend, id, mux)",
        "socket,id=x,path=s,wait=off | -chardev socket,id=x,path=s,wait=off: no property 'wait' (there are: backend, id, mux, "
            + "server, path, reconnect)",
    })
    void refusesInOneLine(String text, String message) {
        assertThatThrownBy(() -> ChardevSyntax.chardev(text)).hasMessage(message);
    }
}
