package org.jkvm.machine.loader;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jkvm.base.UserException;

/**
 * A kernel or initrd file, kept open for the machine's life: a reset loads it again, even when its name has gone. The
 * file may be anything and may change under us; every read is bounded and a short file is a {@link UserException}.
 */
public final class ImageFile implements AutoCloseable {
    private static final int CHUNK = 1 << 20;

    private final String option;
    private final Path path;
    private final FileChannel channel;

    private ImageFile(String option, Path path, FileChannel channel) {
        this.option = option;
        this.path = path;
        this.channel = channel;
    }

    /**
     * Opens the file that command line option {@code option} ("-kernel") names.
     *
     * @throws UserException when it is not there, not a file, or may not be read
     */
    public static ImageFile open(String option, Path path) {
        if (Files.isDirectory(path)) {
            throw new UserException(option + " " + path + ": is a directory, not a file");
        }
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            throw new UserException(option + " " + path + ": is not a regular file");
        }
        try {
            return new ImageFile(option, path, FileChannel.open(path, StandardOpenOption.READ));
        } catch (NoSuchFileException e) {
            throw new UserException(option + " " + path + ": no such file");
        } catch (IOException e) {
            throw new UserException(option + " " + path + ": can't be read: " + e.getMessage());
        }
    }

    /** The file's path. */
    public Path path() {
        return path;
    }

    /** What is wrong with the file, as an exception to throw. */
    public UserException fault(String what) {
        return new UserException(option + " " + path + ": " + what);
    }

    /** Bytes in the file. */
    public long size() {
        try {
            return channel.size();
        } catch (IOException e) {
            throw fault("can't be read: " + e.getMessage());
        }
    }

    /** The first {@code length} bytes, little-endian; zeroes where the file is shorter. */
    ByteBuffer head(int length) {
        ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        fill(buffer, 0);
        return buffer.clear();
    }

    /**
     * {@code length} bytes at {@code offset}, little-endian.
     *
     * @throws UserException when the file ends before
     */
    ByteBuffer bytes(String what, long offset, int length) {
        checkInside(what, offset, length);
        ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        if (fill(buffer, offset) < length) {
            throw truncated(what);
        }
        return buffer.clear();
    }

    /** Fills {@code target} from {@code offset} on. */
    void readInto(String what, long offset, MemorySegment target) {
        checkInside(what, offset, target.byteSize());
        for (long done = 0; done < target.byteSize(); done += CHUNK) {
            int length = (int) Math.min(CHUNK, target.byteSize() - done);
            if (fill(target.asSlice(done, length).asByteBuffer(), offset + done) < length) {
                throw truncated(what);
            }
        }
    }

    /** Fails unless {@code length} bytes at {@code offset} are inside the file; both may be any number. */
    void checkInside(String what, long offset, long length) {
        long size = size();
        if (offset < 0 || length < 0 || offset > size || length > size - offset) {
            throw truncated(what);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            System.getLogger(ImageFile.class.getName()).log(System.Logger.Level.WARNING, "closing " + path, e);
        }
    }

    private UserException truncated(String what) {
        return fault("truncated: " + what + " is not all there (the file has " + size() + " bytes)");
    }

    private int fill(ByteBuffer buffer, long offset) {
        try {
            int done = 0;
            while (buffer.hasRemaining()) {
                int n = channel.read(buffer, offset + done);
                if (n < 0) {
                    break;
                }
                done += n;
            }
            return done;
        } catch (IOException e) {
            throw fault("can't be read: " + e.getMessage());
        }
    }
}
