package org.jkvm.boot;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A machine's monitor at a unix socket. */
final class Monitor {
    private static final String PROMPT = "(kvm) ";

    private Monitor() {
    }

    /** Types a command; returns what the monitor answers, from its banner to the prompt behind the answer. */
    static String command(Path socket, String command) throws IOException {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            StringBuilder text = new StringBuilder();
            readTo(channel, text, 1);
            channel.write(ByteBuffer.wrap((command + "\n").getBytes(StandardCharsets.US_ASCII)));
            readTo(channel, text, 2);
            return text.toString();
        }
    }

    private static void readTo(SocketChannel channel, StringBuilder text, int prompts) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(4096);
        while (text.toString().split("\\Q" + PROMPT + "\\E", -1).length <= prompts && channel.read(bytes.clear()) >= 0) {
            text.append(StandardCharsets.US_ASCII.decode(bytes.flip()));
        }
    }
}
