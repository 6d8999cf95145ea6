package org.jkvm.app.chardev;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.backend.CharacterBackend;

/**
 * One character device shared by several front ends: serial ports, consoles, the monitor. All of them write; the one in
 * focus gets the input. Ctrl-A is the escape: the key after it is a command ({@link #HELP}).
 */
public final class MuxBackend {
    /** The escape character. */
    public static final int ESCAPE = 1;
    private static final String HELP = """
            \r
            C-a h    print this help\r
            C-a x    exit emulator\r
            C-a s    write what the disks have cached\r
            C-a t    toggle console timestamps\r
            C-a b    send break (magic sysrq)\r
            C-a c    switch between console and monitor\r
            C-a C-a  sends C-a\r
            """;
    /** Keys that wait for a front end that has no room; more are lost, so that Ctrl-A is always seen. */
    private static final int TYPE_AHEAD = 4096;

    private final CharacterBackend backend;
    private final Actions actions;
    private final List<FrontEnd> frontEnds = new ArrayList<>();
    private volatile int focus;
    private boolean escaped;
    private boolean timestamps;
    private boolean lineStart = true;
    private long startNanos;
    private int open;

    /** What the keys do that concern the whole machine. Called on the back end's thread. */
    public interface Actions {
        /** Ctrl-A x. */
        void exit();

        /** Ctrl-A s. */
        void flushDisks();
    }

    /** Shares {@code backend}, which this connects and closes. */
    public MuxBackend(CharacterBackend backend, Actions actions) {
        this.backend = backend;
        this.actions = actions;
    }

    /** Adds a front end. The first one gets the input until the user switches. */
    public synchronized FrontEnd frontEnd() {
        FrontEnd frontEnd = new FrontEnd();
        frontEnds.add(frontEnd);
        open++;
        return frontEnd;
    }

    /** Begins to read. To be called when every front end is connected. */
    public void start() {
        if (frontEnds.isEmpty()) {
            return;
        }
        startNanos = System.nanoTime();
        backend.connect(new Keys());
        frontEnds.get(focus).focused.run();
    }

    private synchronized void send(byte[] bytes, int offset, int length) {
        if (!timestamps) {
            backend.write(bytes, offset, length);
            return;
        }
        for (int i = offset; i < offset + length; i++) {
            if (lineStart) {
                print(timestamp());
            }
            backend.write(bytes, i, 1);
            lineStart = bytes[i] == '\n';
        }
    }

    private String timestamp() {
        long millis = (System.nanoTime() - startNanos) / 1_000_000;
        return "[%02d:%02d:%02d.%03d] ".formatted(millis / 3_600_000, millis / 60_000 % 60, millis / 1000 % 60,
                millis % 1000);
    }

    private void print(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        backend.write(bytes, 0, bytes.length);
    }

    private synchronized void toggleTimestamps() {
        timestamps = !timestamps;
        lineStart = false;
    }

    private void command(int key) {
        switch (key) {
            case 'x' -> {
                print("kvm: Terminated\r\n");
                actions.exit();
            }
            case 's' -> actions.flushDisks();
            case 't' -> toggleTimestamps();
            case 'b' -> frontEnds.get(focus).sendBreak();
            case 'c' -> {
                focus = (focus + 1) % frontEnds.size();
                frontEnds.get(focus).focused.run();
            }
            case ESCAPE -> forward((byte) ESCAPE);
            case 'h', '?' -> print(HELP);
            default -> forward((byte) key);
        }
    }

    private void forward(byte key) {
        frontEnds.get(focus).typed.put(new byte[] {key}, 0, 1);
    }

    /** One user of the shared device. */
    public final class FrontEnd implements CharacterBackend {
        private final ByteQueue typed = new ByteQueue(TYPE_AHEAD);
        private volatile Receiver receiver;
        private volatile Runnable focused = () -> { };

        private FrontEnd() {
        }

        /** Says what to do when the input begins to come here. */
        public void onFocus(Runnable action) {
            focused = action;
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            send(bytes, offset, length);
        }

        @Override
        public void connect(Receiver to) {
            receiver = to;
            new InputPump(typed::take, to).start("mux");
        }

        private void sendBreak() {
            if (receiver != null) {
                receiver.receiveBreak();
            }
        }

        /** The last front end that closes takes the shared device with it. */
        @Override
        public void close() {
            typed.close();
            synchronized (MuxBackend.this) {
                open--;
                if (open > 0) {
                    return;
                }
            }
            backend.close();
        }
    }

    /** Reads the keys: bytes between commands go to the front end in focus in one piece. */
    private final class Keys implements CharacterBackend.Receiver {
        @Override
        public int room() {
            return TYPE_AHEAD;
        }

        @Override
        public void receive(byte[] bytes, int offset, int length) {
            int from = offset;
            for (int i = offset; i < offset + length; i++) {
                if (escaped || bytes[i] == ESCAPE) {
                    frontEnds.get(focus).typed.put(bytes, from, i - from);
                    from = i + 1;
                    key(bytes[i]);
                }
            }
            frontEnds.get(focus).typed.put(bytes, from, offset + length - from);
        }

        private void key(byte key) {
            if (escaped) {
                escaped = false;
                command(key & 0xff);
            } else {
                escaped = true;
            }
        }

        @Override
        public void receiveBreak() {
            frontEnds.get(focus).sendBreak();
        }
    }
}
