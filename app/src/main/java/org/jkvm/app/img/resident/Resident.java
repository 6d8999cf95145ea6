package org.jkvm.app.img.resident;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.channels.FileChannel;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import org.jkvm.app.img.Exercise;
import org.jkvm.app.img.KvmImg;
import org.jkvm.linux.WorkingDirectory;

/**
 * Does commands that only look at images for launchers (resident.sh), one after another, and ends when nobody has asked for a
 * minute. The launcher does the command itself wherever there is no answer, so whatever is out of the ordinary is not answered:
 * a caller who sees other files, a locale or sources that changed, another command, too much to say, a bug.
 */
final class Resident {
    /** So long it waits for the next command. */
    private static final Duration IDLE = Duration.ofMinutes(1);
    /** So often, while nobody calls, it gives memory back and looks whether its address is still there. */
    private static final int LOOK_MILLIS = 1000;
    /** So often the way was gone, all of it compiled that matters, in a third of a second: as long as five JVMs' starts. */
    private static final int EXERCISES = 8;
    /** So long a launcher is held back by what others asked for. */
    private static final int TURN_MILLIS = 50;
    private static final int BACKLOG = 50;

    private final ServerSocket door;
    private final Address address;
    private final Sources sources;
    private final Standing standing;
    private final String locale;
    private final Charset charset;
    private final Answer answer;
    private final Runnable end;
    private final SynchronousQueue<Socket> turns = new SynchronousQueue<>();
    private volatile Socket served;
    private volatile boolean busy = true;

    /** Takes calls at {@code door}; {@code end} ends the process at once. */
    Resident(ServerSocket door, Address address, Sources sources, String locale, Runnable end) throws IOException {
        this.door = door;
        this.address = address;
        this.sources = sources;
        this.locale = locale;
        this.end = end;
        this.standing = Standing.of(Path.of("/proc/self"));
        this.charset = Charset.forName(System.getProperty("native.encoding"));
        this.answer = new Answer(charset);
    }

    /** Words: the address's file, the file that the build makes last, the locale. Standard input has the sources' names. */
    public static void main(String[] words) throws IOException {
        Path file = Path.of(words[0]);
        Sources sources = new Sources(Path.of(words[1]), new BufferedReader(new InputStreamReader(System.in)).lines().toList());
        try (FileChannel lock = FileChannel.open(Path.of(file + ".lock"), CREATE, WRITE);
                ServerSocket door = new ServerSocket(0, BACKLOG, InetAddress.getByAddress(new byte[] {127, 0, 0, 1}))) {
            // Commands that were given at once may each have started one.
            if (lock.tryLock() != null) {
                Address address = Address.choose(file, door.getLocalPort());
                Runnable end = () -> {
                    address.withdraw();
                    Runtime.getRuntime().halt(0);
                };
                sources.watch(end);
                Resident resident = new Resident(door, address, sources, words[2], end);
                System.setErr(resident.answer.err());
                Exercise.look(EXERCISES);
                // One may have changed before they were watched.
                if (!sources.changed()) {
                    address.write();
                    resident.serve(IDLE);
                }
            }
        }
    }

    /** Until nobody has called for so long, or the address or the sources are no longer what they were. */
    void serve(Duration idle) throws IOException {
        Thread.ofPlatform().daemon().name("commands").start(this::answerAll);
        door.setSoTimeout((int) Math.min(LOOK_MILLIS, idle.toMillis()));
        long last = System.nanoTime();
        while (System.nanoTime() - last < idle.toNanos()) {
            try {
                admit(door.accept());
                last = System.nanoTime();
            } catch (SocketTimeoutException _) {
                if (!address.holds() || sources.changed()) {
                    break;
                }
                giveBack();
            }
        }
        end.run();
    }

    /** Buffers outside the heap go with their last references, and those with a collection. */
    private void giveBack() {
        if (busy && served == null) {
            busy = false;
            System.gc();
        }
    }

    /** A launcher waits its turn, where that comes soon. */
    private void admit(Socket launcher) throws IOException {
        try {
            Call.greet(launcher, address);
            if (turns.offer(launcher, TURN_MILLIS, TimeUnit.MILLISECONDS)) {
                return;
            }
        } catch (IOException _) {
            // It hangs up.
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        launcher.close();
    }

    private void answerAll() {
        try {
            while (true) {
                try (Socket launcher = turns.take()) {
                    answer(launcher);
                } catch (IOException _) {
                    // It hangs up, or never was a launcher.
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void answer(Socket launcher) throws IOException {
        Call call = Call.from(launcher, charset);
        if (call.isFrom(standing, address) && call.locale().equals(locale)) {
            endWith(launcher);
            OptionalInt status = run(call);
            served = null;
            if (status.isPresent()) {
                answer.send(status.getAsInt(), launcher.getOutputStream());
            }
        }
    }

    /** Empty where the launcher has to do it. */
    private OptionalInt run(Call call) {
        busy = true;
        answer.clear();
        try {
            WorkingDirectory.change(call.process().resolve("cwd").toString());
            return KvmImg.look(call.words(), answer.out(), answer.err());
        } catch (RuntimeException | AssertionError | StackOverflowError _) {
            // Too long an answer, a folder that is no more, or a bug, which the launcher's own JVM will show.
            return OptionalInt.empty();
        } finally {
            WorkingDirectory.change("/");
        }
    }

    /** Has the process end where the launcher does while it is served, as its user wants. Nothing that is written is torn. */
    private void endWith(Socket launcher) {
        served = launcher;
        Thread.ofPlatform().daemon().name("launcher").start(() -> {
            try {
                launcher.getInputStream().read();
            } catch (IOException _) {
                // The end, too.
            }
            if (served == launcher) {
                end.run();
            }
        });
    }
}
