package org.jkvm.boot;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** A machine's monitor at a unix socket. */
final class Monitor {
    private static final String PROMPT = "(kvm) ";

    private Monitor() {
    }

    /** Types a command; returns what the monitor prints, to the prompt behind its answer. */
    static String command(Path socket, String command) throws IOException {
        Pattern answered = Pattern.compile(Pattern.quote(command) + ".*\n\\s*" + Pattern.quote(PROMPT), Pattern.DOTALL);
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            channel.write(ByteBuffer.wrap((command + "\n").getBytes(StandardCharsets.US_ASCII)));
            StringBuilder text = new StringBuilder();
            ByteBuffer bytes = ByteBuffer.allocate(4096);
            while (!answered.matcher(text).find() && channel.read(bytes.clear()) >= 0) {
                text.append(StandardCharsets.US_ASCII.decode(bytes.flip()));
            }
            return text.toString();
        }
    }
}
