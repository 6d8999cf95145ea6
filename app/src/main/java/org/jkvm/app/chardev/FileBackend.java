package org.jkvm.app.chardev;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jkvm.base.UserException;
import org.jkvm.base.backend.CharacterBackend;

/** Output goes to a file; no input comes. */
public final class FileBackend implements CharacterBackend {
    private final OutputStream file;
    private final OutputQueue output;

    /**
     * Creates the file, or opens it.
     *
     * @param append whether what it holds stays
     * @throws UserException when it can't be written
     */
    public FileBackend(Path path, boolean append) {
        try {
            file = Files.newOutputStream(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
                    append ? StandardOpenOption.APPEND : StandardOpenOption.TRUNCATE_EXISTING);
        } catch (IOException e) {
            throw new UserException("Unable to open '" + path + "': " + IoMessages.reason(e));
        }
        output = new OutputQueue(path.getFileName().toString(), file::write);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        output.write(bytes, offset, length);
    }

    @Override
    public void connect(Receiver receiver) {
        // Nothing ever comes from a file.
    }

    @Override
    public void close() {
        output.close();
        try {
            file.close();
        } catch (IOException e) {
            System.err.println("kvm: closing a character device's file: " + IoMessages.reason(e));
        }
    }
}
