package org.jkvm.app.monitor;

import java.nio.charset.StandardCharsets;
import org.jkvm.base.backend.CharacterBackend;

/** A person's session with a machine, over a character device. Commands run on the device's thread. */
public final class Monitor implements CharacterBackend.Receiver {
    private static final int ROOM = 4096;
    private static final String PROMPT = "(kvm) ";

    private final CharacterBackend backend;
    private final Commands commands;
    private final LineEditor editor;
    private final String version;
    private boolean greeted;

    /** A session over {@code backend}, which is to be connected to it. */
    public Monitor(CharacterBackend backend, MonitorMachine machine, String version) {
        this.backend = backend;
        this.version = version;
        commands = new Commands(machine, version);
        editor = new LineEditor(PROMPT, this::send, commands::candidates);
    }

    /** Greets the first time, and shows the prompt. */
    public synchronized void show() {
        if (!greeted) {
            greeted = true;
            send(version + " monitor - type 'help' for more information\r\n");
        }
        editor.show();
    }

    /** Greets whoever comes to a monitor at a socket. */
    @Override
    public synchronized void connected() {
        greeted = false;
        show();
    }

    @Override
    public int room() {
        return ROOM;
    }

    @Override
    public synchronized void receive(byte[] bytes, int offset, int length) {
        for (int i = offset; i < offset + length; i++) {
            String line = editor.key(bytes[i] & 0xff);
            if (line != null) {
                send(commands.run(line).replace("\n", "\r\n"));
                editor.show();
            }
        }
    }

    private void send(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        backend.write(bytes, 0, bytes.length);
    }
}
