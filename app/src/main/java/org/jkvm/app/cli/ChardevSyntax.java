package org.jkvm.app.cli;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.List;
import org.jkvm.base.UserException;

/** Reads {@code -chardev} arguments, and the short form that {@code -serial} and {@code -monitor} take. */
public final class ChardevSyntax {
    private static final List<String> KINDS = List.of("stdio", "file", "socket", "pty", "null");
    private static final List<String> SHORT = List.of("stdio", "pty", "null", "none", "file:", "unix:", "tcp:", "mon:",
            "chardev:");

    private ChardevSyntax() {
    }

    /** Reads the argument of {@code -chardev}. */
    public static ChardevSpec.Named chardev(String text) {
        OptionList list = OptionList.parse("-chardev", text, "backend");
        String kind = list.required("backend");
        if (!KINDS.contains(kind)) {
            throw list.refuse("'" + kind + "' is not a character device; there are " + String.join(", ", KINDS)
                    + Suggestion.hint(kind, KINDS));
        }
        String id = list.required("id");
        boolean mux = list.flag("mux", false);
        ChardevSpec spec = spec(kind, list, !mux);
        list.end();
        return new ChardevSpec.Named(id, spec, mux);
    }

    /**
     * Reads the short form, without "mon:" and "chardev:".
     *
     * @param option  the option's name, for messages
     * @param signals whether Ctrl-C still interrupts where it is stdio
     */
    public static ChardevSpec shortForm(String option, String text, boolean signals) {
        String kind = text.split("[:,]", 2)[0];
        String rest = text.substring(Math.min(kind.length() + 1, text.length()));
        return switch (kind) {
            case "null", "none", "pty", "stdio" -> spec(kind, finished(option, rest), signals);
            case "file" -> new ChardevSpec.File(path(option, rest), false);
            case "unix" -> socket(option, rest, "path");
            case "tcp" -> socket(option, rest, "address");
            default -> throw new UserException(option + " " + text + ": '" + kind + "' is not a character device; there are "
                    + String.join(", ", SHORT) + Suggestion.hint(kind, SHORT));
        };
    }

    private static OptionList finished(String option, String rest) {
        OptionList list = OptionList.parse(option, rest, null);
        list.end();
        return list;
    }

    private static Path path(String option, String text) {
        if (text.isEmpty()) {
            throw new UserException(option + " file: needs a file name (file:FILE)", UserException.USAGE);
        }
        return Path.of(text);
    }

    private static ChardevSpec socket(String option, String rest, String firstKey) {
        OptionList list = OptionList.parse(option, rest, firstKey);
        list.string("address").ifPresent(address -> splitAddress(list, address));
        ChardevSpec spec = socket(list);
        list.end();
        return spec;
    }

    private static void splitAddress(OptionList list, String address) {
        int colon = address.lastIndexOf(':');
        if (colon < 0) {
            throw list.misuse("needs HOST:PORT");
        }
        list.with("host", address.substring(0, colon)).with("port", address.substring(colon + 1));
    }

    private static ChardevSpec spec(String kind, OptionList list, boolean signals) {
        return switch (kind) {
            case "null", "none" -> new ChardevSpec.Null();
            case "pty" -> new ChardevSpec.Pty();
            case "stdio" -> new ChardevSpec.Stdio(list.flag("signal", signals));
            case "file" -> new ChardevSpec.File(Path.of(list.required("path")), list.flag("append", false));
            case "socket" -> socket(list);
            default -> throw new AssertionError(kind);
        };
    }

    private static ChardevSpec socket(OptionList list) {
        boolean server = list.flag("server", false);
        SocketAddress address = list.string("path").<SocketAddress>map(UnixDomainSocketAddress::of)
                .orElseGet(() -> internet(list, server));
        return server ? new ChardevSpec.Server(address, list.flag("wait", true))
                : new ChardevSpec.Client(address, (int) list.number("reconnect", 0, 0, Integer.MAX_VALUE / 1000));
    }

    /** A server without host listens everywhere; a client without host means this machine. */
    private static SocketAddress internet(OptionList list, boolean server) {
        String host = list.string("host").orElse("");
        list.require("port");
        int port = (int) list.number("port", 0, 0, 65535);
        if (host.isEmpty()) {
            return server ? new InetSocketAddress(port) : new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        }
        return new InetSocketAddress(host, port);
    }
}
