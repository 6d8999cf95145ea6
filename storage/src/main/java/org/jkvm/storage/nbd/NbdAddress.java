package org.jkvm.storage.nbd;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URLDecoder;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jkvm.base.UserException;

/**
 * Where an export is, as a URI (doc/uri.md of the NBD project): {@code nbd://HOST[:PORT]/[EXPORT]},
 * {@code nbd+unix:///[EXPORT]?socket=PATH}, with TLS {@code nbds://} and {@code nbds+unix://}; or as QEMU has it:
 * {@code nbd:HOST:PORT[:exportname=EXPORT]}, {@code nbd:unix:PATH[:exportname=EXPORT]}. Queries beyond {@code socket}:
 * {@code tls-psk-file=PATH}, {@code reconnect-delay=SECONDS}. It passes through a {@link Path}, which makes one slash of
 * two: an export whose name begins with a slash, or has two in a row, is written with %2F.
 *
 * @param text           as given
 * @param tls            whether TLS is demanded
 * @param host           the host, or empty for a Unix socket
 * @param port           its port, or 0
 * @param socket         the Unix socket, or null
 * @param user           the identity of a pre-shared key
 * @param export         the export's name; empty for the default one
 * @param pskFile        where the pre-shared key is, or null
 * @param reconnectDelay seconds that requests wait for a server that has gone
 */
public record NbdAddress(String text, boolean tls, String host, int port, Path socket, String user, String export,
        Path pskFile, int reconnectDelay) {
    private static final int DEFAULT_DELAY = 10;
    /** What addresses look like. Made when a name looks like one: most names are files'. */
    private static final class Forms {
        private static final Pattern ANY = Pattern.compile("nbds?(\\+unix)?:.+");
        private static final Pattern URI = Pattern.compile("(nbds?)(\\+unix)?:/+([^?]*)(?:\\?(.*))?");
        private static final Pattern AUTHORITY =
                Pattern.compile("(?:([^@/]*)@)?(\\[[0-9a-fA-F:.]+]|[^:/\\[\\]]*)(?::(\\d{1,5}))?(?:/(.*))?");
        /** An address whose slashes a {@link Path} has made one. */
        private static final Pattern SHORTENED = Pattern.compile("(?<![\\w+/])nbds?(\\+unix)?:/(?!/)");
        private static final Pattern OLD = Pattern.compile("nbd:(?:unix:([^:]+)|([^:]+):(\\d{1,5}))(?::exportname=(.*))?");
    }

    /** {@code text}, which may have addresses in it that went through a {@link Path}, with addresses as people write them. */
    public static String readable(String text) {
        if (!text.contains("nbd")) {
            return text;
        }
        return Forms.SHORTENED.matcher(text).replaceAll(m -> m.group() + (m.group(1) == null ? "/" : "//"));
    }

    /** Whether a disk's name is an address of this kind, and no file's. */
    public static boolean matches(String name) {
        return name.startsWith("nbd") && Forms.ANY.matcher(name).matches();
    }

    /**
     * Takes an address apart.
     *
     * @throws UserException where it can't be understood
     */
    public static NbdAddress parse(String text) {
        Matcher old = Forms.OLD.matcher(text);
        if (old.matches() && !text.startsWith("nbd:/")) {
            Path socket = old.group(1) == null ? null : Path.of(old.group(1));
            String export = old.group(4) == null ? "" : old.group(4);
            return new NbdAddress(text, false, socket == null ? old.group(2) : "", socket == null ? port(text, old.group(3)) : 0,
                    socket, "", export, null, DEFAULT_DELAY);
        }
        Matcher uri = Forms.URI.matcher(text);
        if (!uri.matches()) {
            throw malformed(text);
        }
        boolean tls = uri.group(1).equals("nbds");
        return uri.group(2) == null ? network(text, tls, uri.group(3), uri.group(4))
                : unix(text, tls, uri.group(3), uri.group(4));
    }

    private static NbdAddress network(String text, boolean tls, String place, String query) {
        Matcher m = Forms.AUTHORITY.matcher(place);
        if (!m.matches() || m.group(2).isEmpty()) {
            throw malformed(text);
        }
        String host = m.group(2).replaceAll("[\\[\\]]", "");
        return new NbdAddress(text, tls, host, m.group(3) == null ? Nbd.DEFAULT_PORT : port(text, m.group(3)), null,
                decoded(m.group(1)), decoded(m.group(4)), pskFile(query), delay(text, query));
    }

    private static NbdAddress unix(String text, boolean tls, String place, String query) {
        Path socket = query(query, "socket").map(Path::of).orElseThrow(() ->
                new UserException("'" + text + "' names no socket: nbd+unix:///EXPORT?socket=PATH"));
        int at = place.indexOf('@');
        return new NbdAddress(text, tls, "", 0, socket, decoded(at < 0 ? "" : place.substring(0, at)),
                decoded(place.substring(at + 1).replaceFirst("^/", "")), pskFile(query), delay(text, query));
    }

    private static Path pskFile(String query) {
        return query(query, "tls-psk-file").map(Path::of).orElse(null);
    }

    private static int delay(String text, String query) {
        Optional<String> seconds = query(query, "reconnect-delay");
        if (seconds.isPresent() && !seconds.get().matches("\\d{1,6}")) {
            throw new UserException("'" + text + "': reconnect-delay is a number of seconds");
        }
        return seconds.map(Integer::parseInt).orElse(DEFAULT_DELAY);
    }

    private static Optional<String> query(String query, String key) {
        for (String part : query == null ? new String[0] : query.split("&")) {
            if (part.startsWith(key + "=")) {
                return Optional.of(decoded(part.substring(key.length() + 1)));
            }
        }
        return Optional.empty();
    }

    private static int port(String text, String digits) {
        int port = Integer.parseInt(digits);
        if (port < 1 || port > 0xffff) {
            throw malformed(text);
        }
        return port;
    }

    private static String decoded(String text) {
        try {
            return text == null ? "" : URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new UserException("'" + text + "': % is followed by two hexadecimal digits");
        }
    }

    private static UserException malformed(String text) {
        return new UserException("'" + text + "' is no address: nbd://HOST[:PORT]/EXPORT, nbd+unix:///EXPORT?socket=PATH,"
                + " nbd:HOST:PORT[:exportname=EXPORT] and nbd:unix:PATH[:exportname=EXPORT] are allowed");
    }

    /** What a socket is connected to; looks the host up. */
    SocketAddress endpoint() throws IOException {
        if (socket != null) {
            return UnixDomainSocketAddress.of(socket);
        }
        InetSocketAddress address = new InetSocketAddress(host, port);
        if (address.isUnresolved()) {
            throw new IOException("unknown host '" + host + "'");
        }
        return address;
    }

    /** For messages. */
    String server() {
        return socket == null ? host + ":" + port : socket.toString();
    }
}
