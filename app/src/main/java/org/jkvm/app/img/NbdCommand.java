package org.jkvm.app.img;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jkvm.app.chardev.IoMessages;
import org.jkvm.base.UserException;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.jkvm.storage.nbd.NbdExport;
import org.jkvm.storage.nbd.NbdServer;
import org.jkvm.storage.nbd.PskFile;

/** {@code kvm-img nbd}: what qemu-nbd does as a server. */
final class NbdCommand extends ImageCommand {
    private static final int PORT = 10809;
    private static final int MOST_CLIENTS = 1000;
    private static final int THREADS = 8;
    private static final int CLOSE_SECONDS = 30;

    NbdCommand(Words given, Console console) {
        super(given, console);
    }

    static Syntax syntax() {
        return Syntax.of("nbd", "FILE", "Serves an image over the network, by the NBD protocol.",
                "Clients are nbdinfo, nbdcopy, qemu-img, nbd-client, kvm and kvm-img themselves: their disks may be named"
                        + " nbd://HOST[:PORT]/EXPORT or nbd+unix:///EXPORT?socket=PATH, with TLS nbds:// and"
                        + " nbds+unix://USER@/EXPORT?socket=PATH&tls-psk-file=FILE. It serves until the last client has left.")
                .value("-p --port", "PORT", "The TCP port; 10809 unless given.")
                .value("-b --bind", "ADDRESS", "The address to listen at; all of the host's unless given.")
                .value("-k --socket", "PATH", "Listens at a Unix socket instead.")
                .value("-x --export-name", "NAME", "The export's name; empty, which is the default export, unless given.")
                .value("-D --description", "TEXT", "The export's description.")
                .value("-f --format", "FORMAT", "The image's format; found out unless given.")
                .flag("-r --read-only", "Refuses writes.")
                .flag("-s --snapshot", "What clients write is lost at the end.")
                .value("-e --shared", "COUNT", "How many clients there may be at once; 1 unless given.")
                .flag("-t --persistent", "Goes on when the last client has left, until it is interrupted.")
                .value("--cache", "CACHE", "The image's caching: " + Common.CACHES + "; writeback unless given.")
                .value("--discard", "MODE", "unmap: discards give storage back (the default); ignore: they don't.")
                .value("--tls-psk", "FILE", "Demands TLS with one of the pre-shared keys in FILE, lines IDENTITY:HEX as"
                        + " psktool makes them.")
                .value("--pid-file", "FILE", "Writes the process id to FILE when clients may come.")
                .examples("kvm-img nbd -k /tmp/nbd.sock -t disk.qcow2 &",
                        "nbdinfo 'nbd+unix:///?socket=/tmp/nbd.sock'",
                        "kvm-img convert -O qcow2 nbd://server/disk copy.qcow2");
    }

    @Override
    int run() {
        Path path = single();
        if (given.has("-k") && (given.has("-p") || given.has("-b"))) {
            throw new UserException("-k: a Unix socket has no port (-p) and no address (-b)");
        }
        int clients = number("-e", given.get("-e", "1"), 1, MOST_CLIENTS);
        PskFile keys = given.has("--tls-psk") ? new PskFile(path(given.get("--tls-psk"))) : null;
        try (Image image = open(path)) {
            image.warnings().forEach(err::println);
            NbdExport export = new NbdExport(given.get("-x", ""), given.get("-D", ""), image, given.has("-r"), clients > 1);
            serve(new NbdServer.Options(List.of(export), keys, clients, given.has("-t"),
                    line -> err.println("kvm-img: " + line)));
        }
        return 0;
    }

    private Image open(Path path) {
        OpenOptions options = OpenOptions.defaults().withFormat(format(given.get("-f"))).withReadOnly(given.has("-r"))
                .withCache(Common.cache("--cache", given.get("--cache", "writeback"))).withUnmap(unmap())
                .withThreads(THREADS);
        return given.has("-s") ? Images.openTemporary(path, options) : Images.open(path, options);
    }

    private boolean unmap() {
        return switch (given.get("--discard", "unmap")) {
            case "unmap" -> true;
            case "ignore" -> false;
            default -> throw new UserException("--discard " + given.get("--discard") + ": unmap or ignore is allowed");
        };
    }

    /** A signal that ends the process lets the image be closed first. */
    private void serve(NbdServer.Options options) {
        CountDownLatch over = new CountDownLatch(1);
        SocketAddress address = address();
        ServerSocketChannel listener = on(address, () -> listen(address));
        try (NbdServer server = new NbdServer(listener, options)) {
            Thread hook = new Thread(() -> {
                server.close();
                await(over);
            });
            Runtime.getRuntime().addShutdownHook(hook);
            writePidFile();
            server.serve();
            options.exports().forEach(e -> e.image().close());
        } catch (IOException e) {
            throw cannotServe(address, e);
        } finally {
            cleanUp(address);
            over.countDown();
        }
    }

    private static <T> T on(SocketAddress address, Work<T> work) {
        try {
            return work.run();
        } catch (IOException e) {
            throw cannotServe(address, e);
        }
    }

    private static UserException cannotServe(SocketAddress address, IOException e) {
        return new UserException("cannot serve at " + address + ": " + IoMessages.reason(e));
    }

    private static void await(CountDownLatch over) {
        try {
            if (!over.await(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                System.err.println("kvm-img: the image could not be closed in " + CLOSE_SECONDS + " seconds");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private SocketAddress address() {
        if (given.has("-k")) {
            return UnixDomainSocketAddress.of(path(given.get("-k")));
        }
        int port = number("-p", given.get("-p", String.valueOf(PORT)), 0, 0xffff);
        return given.has("-b") ? new InetSocketAddress(given.get("-b"), port) : new InetSocketAddress(port);
    }

    private static ServerSocketChannel listen(SocketAddress address) throws IOException {
        if (address instanceof UnixDomainSocketAddress unix) {
            removeStale(unix);
            return ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address);
        }
        if (address instanceof InetSocketAddress inet && inet.isUnresolved()) {
            throw new IOException("unknown host");
        }
        return ServerSocketChannel.open().setOption(StandardSocketOptions.SO_REUSEADDR, true).bind(address);
    }

    /** A socket that a killed server left behind: it is there, and nobody listens. */
    private static void removeStale(UnixDomainSocketAddress address) throws IOException {
        try (SocketChannel _ = SocketChannel.open(address)) {
            throw new IOException("somebody listens there already");
        } catch (ConnectException _) {
            Files.deleteIfExists(address.getPath());
        } catch (SocketException _) {
            // There is nothing, or something else, which binding finds out.
        }
    }

    private void writePidFile() throws IOException {
        if (given.has("--pid-file")) {
            Files.writeString(path(given.get("--pid-file")), ProcessHandle.current().pid() + "\n");
        }
    }

    private void cleanUp(SocketAddress address) {
        try {
            if (address instanceof UnixDomainSocketAddress unix) {
                Files.deleteIfExists(unix.getPath());
            }
            if (given.has("--pid-file")) {
                Files.deleteIfExists(path(given.get("--pid-file")));
            }
        } catch (IOException e) {
            err.println("kvm-img: " + IoMessages.reason(e));
        }
    }
}
